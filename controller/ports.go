package controller

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/controller/pki"
)

// sessions tells the loop what the agents' sessions bring.
type sessions struct{ loop *loop }

func (s sessions) Connected(a pki.Agent) {
	s.loop.feed(core.AgentConnected{Node: a.Node, Peer: peerOf(a)})
}
func (s sessions) Disconnected(node string) { s.loop.feed(core.AgentDisconnected{Node: node}) }
func (s sessions) Report(r nodecfg.Report)  { s.loop.feed(core.Reported{Report: r}) }

// peerOf is how the agent's peers know it; nil: it has no identity yet.
func peerOf(a pki.Agent) *nodecfg.Peer {
	if len(a.Identity) == 0 {
		return nil
	}
	return &nodecfg.Peer{Node: a.Node, Certificate: a.Certificate, Identity: a.Identity, WireGuard: a.WireGuard}
}

// operators knows the API's callers.
type operators struct{ authority *pki.Authority }

func (o operators) Authorize(token string) (principal string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	name, err := o.authority.Operator(ctx, token)
	return name, err == nil
}

// Files of the controller's directory that its operator's command line needs.
const (
	caFile     = "ca.pem"
	tokenFile  = "operator.token"
	clientFile = "client.json"
)

// credentials writes what the first operator needs to reach the API at addr:
// the authority's certificate, a token, and the file that names both.
func credentials(ctx context.Context, dir string, authority *pki.Authority, addr string) error {
	if err := authority.FirstOperator(ctx, "operator", filepath.Join(dir, tokenFile)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, caFile), authority.PEM(), 0o644); err != nil {
		return err
	}
	// Relative names count from the file's own directory, which may be copied.
	return client.Config{Server: "https://" + addr, CA: caFile, TokenFile: tokenFile}.Write(filepath.Join(dir, clientFile))
}

func without(drains []*resource.Drain, kind, name string) []*resource.Drain {
	return slices.DeleteFunc(slices.Clone(drains), func(d *resource.Drain) bool { return d.Kind == kind && d.Name == name })
}

func drainsOf(drains []*resource.Drain) []core.Drain {
	out := make([]core.Drain, len(drains))
	for n, d := range drains {
		out[n] = core.Drain{Kind: d.Kind, Name: d.Name}
	}
	return out
}
