package online

import (
	"encoding/json"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// peers prints all BGP peers, or the one that is named.
func (g getter) peers(c *client.Client, now time.Time) error {
	if g.name != "" { // the API knows better why there is none
		p, err := c.Peer(g.ctx, g.name)
		if err != nil {
			return err
		}
		one := &resource.Peers{Configured: true, Items: []*resource.Peer{p}}
		return g.print(p, func(t *output.Text) { page.Peers(t, now, one) })
	}
	all, err := c.Peers(g.ctx)
	if err != nil {
		return err
	}
	return g.print(all, func(t *output.Text) { page.Peers(t, now, all) })
}

// learnedName is what a document of what was learned is called, if not otherwise.
const learnedName = "learned"

// learned prints what routers say: a document as YAML or JSON, or tables with
// what of it is declared.
func (g getter) learned(c *client.Client, now time.Time) error {
	if g.format == output.YAML || g.format == output.JSON {
		name := g.name
		if name == "" {
			name = learnedName
		}
		text, err := c.LearnedTopology(g.ctx, name, g.format == output.YAML)
		if err != nil {
			return err
		}
		if g.format == output.JSON {
			return g.print(json.RawMessage(text), nil)
		}
		_, err = g.env.Stdout.Write(text)
		return err
	}
	learned, err := c.Learned(g.ctx)
	if err != nil {
		return err
	}
	return g.print(learned, func(t *output.Text) { page.Learned(t, now, learned) })
}
