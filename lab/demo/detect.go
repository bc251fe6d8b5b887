package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
	"github.com/keiro-net/keiro/lab"
)

// silence is the link that falls silent one way, and who is not heard then.
const silence, silent = "hcj1--nno1", "hcj1"

// silently makes a link lose all that one end sends, while its interfaces stay
// up: only packets can tell.
func (d *demo) silently(ctx context.Context) error {
	d.act("A link is up, and silent one way")
	d.say("Half of what goes wrong takes no interface down. Everything that %s sends into %s is lost now, and no kernel says so. "+
		"Agents send probes down every path and back, a hundred a second:", silent, silence)
	var told received
	var began time.Time
	result, err := d.streamed(ctx, gold, 200*time.Millisecond, func() (err error) {
		d.command("keiro lab impair %s %s --loss 100%% --from %s", d.example(labFile), silence, silent)
		began = time.Now()
		if err := d.world.Lab.Impair(ctx, silence, lab.Impairment{Loss: 1e6, From: silent}); err != nil {
			return err
		}
		told, err = d.hook.await(ctx, "that probes are lost", func(a resource.Alert) bool {
			return a.Status == resource.Firing && a.Name == core.DegradedPath && slices.Contains(a.IntentsHit, protected)
		})
		return err
	})
	if err != nil {
		return err
	}
	d.rows(
		[2]string{"packets", fmt.Sprintf("%d sent at %d per second, %d lost", result.Sent, rate, result.Lost)},
		[2]string{"repaired", fmt.Sprintf("%.1f ms from the last packet before it to the first after it", millis(longest(result)))},
		[2]string{"alert", fmt.Sprintf("%s, %s, received after %.1f ms", told.Name, told.Severity, millis(told.at.Sub(began)))},
		[2]string{"cause", told.Cause.Object},
	)
	d.rows(evidence(told.Alert)...)
	d.printf("\n")
	if err := d.world.Lab.Impair(ctx, silence, lab.Impairment{}); err != nil {
		return err
	}
	d.command("keiro lab impair %s %s --clear", d.example(labFile), silence)
	_, err = d.hook.await(ctx, "that it is over", func(a resource.Alert) bool {
		return a.Status == resource.Resolved && a.Name == core.DegradedPath && slices.Contains(a.IntentsHit, protected)
	})
	if err != nil {
		return err
	}
	return d.returned(ctx)
}

// evidence are rows of what an alert rests on.
func evidence(a resource.Alert) (rows [][2]string) {
	for n, e := range a.Evidence {
		name := ""
		if n == 0 {
			name = "evidence"
		}
		if n == 3 {
			rows = append(rows, [2]string{name, fmt.Sprintf("and %d more", len(a.Evidence)-n)})
			break
		}
		rows = append(rows, [2]string{name, fmt.Sprintf("%s, %s: %s", e.Kind, e.Source, middle(e.Text))})
	}
	return rows
}

// middle leaves out the middle of a long text.
func middle(text string) string {
	const most = 120
	if r := []rune(text); len(r) > most {
		return string(r[:most/2]) + " ... " + string(r[len(r)-most/2:])
	}
	return text
}

// tamper deletes a route behind the agent's back, and has the alert about it
// verified without the controller.
func (d *demo) tamper(ctx context.Context) error {
	d.act("Somebody deletes a route")
	route, err := d.route(head)
	if err != nil {
		return err
	}
	d.say("Not by Keiro: by hand, as root on %s, the route that %s takes. Its agent is told by the kernel, puts it back, and says who it was.", head, protected)
	var told received
	result, err := d.streamed(ctx, gold, 200*time.Millisecond, func() error {
		d.command("keiro lab exec %s %s -- ip route del %s table %d metric %d", d.example(labFile), head, route.Dst, route.Table, route.Priority)
		if err := d.world.Lab.In(head, func() error { return netlink.RouteDel(route) }); err != nil {
			return fmt.Errorf("delete a route of %s: %w", head, err)
		}
		told, err = d.hook.await(ctx, "that somebody changed "+head, func(a resource.Alert) bool {
			return a.Status == resource.Firing && a.Name == core.Drifted && a.Cause.Object == "node:"+head
		})
		return err
	})
	if err != nil {
		return err
	}
	d.rows([2]string{"packets", fmt.Sprintf("%d sent meanwhile, %d lost: the route of the second path was there", result.Sent, result.Lost)},
		[2]string{"alert", fmt.Sprintf("%s, %s", told.Name, told.Severity)})
	d.rows(evidence(told.Alert)...)
	d.printf("\n")
	return d.verify(ctx, told)
}

// route is the one into the first path of the protected intent in a node.
func (d *demo) route(node string) (route *netlink.Route, err error) {
	err = d.world.Lab.In(node, func() error {
		rules, err := netlink.RuleList(netlink.FAMILY_V4)
		for _, r := range rules {
			if r.Protocol == nodecfg.RouteProtocol && r.Dst != nil && r.Dst.String() == "10.2.0.0/16" {
				route = &netlink.Route{Dst: r.Dst, Table: r.Table, Priority: firstMetric, Scope: netlink.SCOPE_NOWHERE}
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("%s has no rule for 10.2.0.0/16", node))
	})
	return route, err
}

// firstMetric is that of the route into the first path of an intent.
const firstMetric = 100

// verify shows that an alert proves by itself who sent it.
func (d *demo) verify(ctx context.Context, told received) error {
	d.say("The webhook as it came, kept in a file, and the controller's public key: Ed25519 and ML-DSA-65, both must hold. Nobody is asked.")
	dir, err := os.MkdirTemp("", "keiro-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	hook, key := filepath.Join(dir, "webhook.http"), filepath.Join(dir, "keiro.pub")
	for name, data := range map[string][]byte{hook: told.request, key: d.hook.public} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return err
		}
	}
	if err := d.keiro(ctx, 0, "alerts", "verify", "-k", key, hook); err != nil {
		return err
	}
	// One byte of it is another one.
	forged := bytes.Replace(told.request, []byte(head), []byte(strings.ToUpper(head)), 1)
	if err := os.WriteFile(hook, forged, 0o600); err != nil {
		return err
	}
	d.printf("\n")
	d.say("The same with a word of it changed:")
	return d.keiro(ctx, 1, "alerts", "verify", "-k", key, hook)
}

// closing is the link that somebody wants to drain.
const closing = "tyo1--nag1"

// refuse shows that a change is asked of the gate before it is made.
func (d *demo) refuse(ctx context.Context) error {
	d.act("A drain is refused")
	d.say("Half of all large outages come from changes. Every one is asked of the gate first, in the network as it is: which declared characteristic would be lost, and by what?")
	if err := d.keiro(ctx, 3, "drain", "link:"+closing, "--reason", "ticket-4711"); err != nil {
		return err
	}
	drains, err := d.world.Client.Drains(ctx)
	if err == nil && len(drains) > 0 {
		err = fmt.Errorf("%s %s is drained all the same", drains[0].Kind, drains[0].Name)
	}
	d.printf("\n")
	d.say("Nothing was changed. An operator who wants it all the same signs a waiver (`keiro waive`), with a reason and an end.")
	return err
}

// stored is a request as `keiro alerts verify` reads it.
func stored(r *http.Request, body []byte) []byte {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s %s\r\n", r.Method, r.URL.Path, r.Proto)
	_ = r.Header.Write(&out) // into memory
	out.WriteString("\r\n")
	out.Write(body)
	return out.Bytes()
}
