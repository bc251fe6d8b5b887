package lab

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/keiro-net/keiro/lab/netns"
	"github.com/keiro-net/keiro/lab/wire"
)

// builder builds one lab in its run directory.
type builder struct {
	*rundir
	plan     *plan
	nodes    map[string]*netns.Namespace
	late     []map[string]string // sysctls of the nodes that need an interface
	progress Progress
	report   func(Progress)
}

func build(ctx context.Context, d *rundir, p *plan, o Options) error {
	b := &builder{rundir: d, plan: p, nodes: map[string]*netns.Namespace{}, report: o.Progress}
	for _, n := range p.Nodes {
		b.progress.Total += 2 + len(n.Exec)
	}
	b.progress.Total += len(p.Links)
	defer func() {
		for _, ns := range b.nodes {
			ns.Close()
		}
	}()
	s := &state{Plan: p}
	if err := d.save(s); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{b.makeNodes, b.connect, b.runExec} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.Up = true
	return d.save(s)
}

// step counts one piece of work and says whether to go on.
func (b *builder) step(ctx context.Context, format string, args ...any) error {
	if b.report != nil {
		b.progress.Doing = fmt.Sprintf(format, args...)
		b.report(b.progress)
	}
	b.progress.Done++
	return ctx.Err()
}

func (b *builder) makeNodes(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(b.path, "netns"), 0o755); err != nil {
		return err
	}
	for _, n := range b.plan.Nodes {
		if err := b.step(ctx, "node %s", n.Name); err != nil {
			return err
		}
		if err := b.makeNode(n); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}

func (b *builder) makeNode(n nodePlan) error {
	if err := b.publish(n.Netns, b.node(n.Name)); err != nil {
		return err
	}
	if err := netns.Create(b.node(n.Name)); err != nil {
		return err
	}
	ns, err := netns.Open(b.node(n.Name))
	if err != nil {
		return err
	}
	b.nodes[n.Name] = ns
	// No duplicate address detection, so that no start has to wait for it. The
	// file may ask for it all the same.
	noDAD := map[string]string{"net.ipv6.conf.all.accept_dad": "0", "net.ipv6.conf.default.accept_dad": "0"}
	if err := setSysctls(ns, noDAD, nil); err != nil {
		return err
	}
	late := map[string]string{}
	b.late = append(b.late, late)
	return setSysctls(ns, n.Sysctls, late)
}

// connect plugs in the cables and brings everything up, carrier last.
func (b *builder) connect(ctx context.Context) error {
	if err := b.publish(b.plan.wireName(), b.wire()); err != nil {
		return err
	}
	if err := netns.Create(b.wire()); err != nil {
		return err
	}
	ns, err := netns.Open(b.wire())
	if err != nil {
		return err
	}
	defer ns.Close()
	// Cables carry packets; they have nothing to say themselves.
	if err := setSysctls(ns, map[string]string{"net.ipv6.conf.default.disable_ipv6": "1"}, nil); err != nil {
		return err
	}
	w, err := wire.Open(ns)
	if err != nil {
		return err
	}
	defer w.Close()
	cables := b.cables()
	if err := w.Plug(cables); err != nil {
		return err
	}
	for i, n := range b.plan.Nodes {
		if err := b.step(ctx, "interfaces of %s", n.Name); err != nil {
			return err
		}
		if err := setSysctls(b.nodes[n.Name], b.late[i], nil); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
		if err := wire.Attach(b.nodes[n.Name], n.Loopback, cables); err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	var numbers []int
	for i, l := range b.plan.Links {
		if err := b.step(ctx, "link %s", l.Name); err != nil {
			return err
		}
		if l.Capacity > 0 {
			if err := w.Limit(i, l.Capacity, l.MTU); err != nil {
				return fmt.Errorf("link %s: %w", l.Name, err)
			}
		}
		numbers = append(numbers, i)
	}
	return w.Mend(numbers)
}

func (b *builder) cables() []wire.Cable {
	var cables []wire.Cable
	for i, l := range b.plan.Links {
		c := wire.Cable{Number: i, MTU: l.MTU}
		for e, end := range l.Ends {
			c.Ends[e] = wire.End{Node: b.nodes[end.Node], Interface: end.Interface, MAC: end.MAC, Addresses: end.Addresses}
		}
		cables = append(cables, c)
	}
	return cables
}

// runExec runs the exec commands of the file, node by node. Their output goes
// to a file, not a pipe: a program that stays in the background keeps its
// output open.
func (b *builder) runExec(ctx context.Context) error {
	out, err := os.OpenFile(b.execLog(), os.O_CREATE|os.O_RDWR|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	for _, n := range b.plan.Nodes {
		for _, argv := range n.Exec {
			if err := b.step(ctx, "%s: %s", n.Name, strings.Join(argv, " ")); err != nil {
				return err
			}
			before, err := out.Seek(0, 2)
			if err != nil {
				return err
			}
			cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
			cmd.Stdout, cmd.Stderr = out, out
			if err = n.start(b.nodes[n.Name], cmd); err == nil {
				err = cmd.Wait()
			}
			if err != nil {
				return fmt.Errorf("node %s: exec %q: %w%s", n.Name, strings.Join(argv, " "), err, said(out, before))
			}
		}
	}
	return nil
}

// said is what a command wrote since the given offset, for its error.
func said(out *os.File, since int64) string {
	text := make([]byte, 1000)
	n, _ := out.ReadAt(text, since)
	if s := strings.TrimSpace(string(text[:n])); s != "" {
		return "; it said: " + s
	}
	return ""
}
