package online

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

func newRotateCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "rotate INTENT",
		Short: "Have the lanes of an intent keyed anew",
		Long: `Have the agents at the ends of an intent's lanes agree on new keys now, and not
when their interval is over; then wait until both ends of every lane have them.
All lanes between two such agents are renewed with it. A rotation costs no packet
by itself: the sessions of WireGuard go on until its next handshake, the first
with the new key. The kernel's WireGuard begins one within 120 s, and not before;
--used waits for that too.
Exit code 3: a lane is closed; 4: not all had new keys in time, or no lane is in
use.`,
		Example: "  keiro rotate tyo-osa-gold\n  keiro rotate tyo-osa-gold --used",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, intentNames)
	f := addRenewFlags(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		w := &keyWaiter{c: c, intent: args[0], progress: env.Progress(), used: f.used}
		return renew(ctx, env, w, f, 0, func() (*resource.Rotation, error) { return c.Rotate(ctx, args[0]) })
	})
}

func newRekeyCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "rekey --node NODE",
		Short: "Replace all keys of a node's lanes, which others may know",
		Long: `After the keys of a node's lanes may have become known to others: tell it and its
peers to distrust every key they have. Each pair agrees on new ones, at a time
within --within that differs from pair to pair; the sessions of old keys end when
that fails. Who may know the node's identity as well is kept out by revoke only.
The kernel's WireGuard uses a new key from its next handshake on, within 120 s;
--used waits for that too.
Exit code 3: a lane is closed; 4: not all had new keys in time, no lane is in use,
or a node could not be told, and so trusts keys that others may know.`,
		Example: "  keiro rekey --node osa1 --within 30s",
		Args:    cobra.NoArgs,
	}
	node := cmd.Flags().String("node", "", "`NODE` whose keys others may know")
	_ = cmd.RegisterFlagCompletionFunc("node", s.completes(everywhere, nodeNames)) // the flag is there
	within := cmd.Flags().Duration("within", 30*time.Second, "spread the pairs over this time")
	f := addRenewFlags(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		switch {
		case *node == "":
			return errors.New("which node? give --node NODE")
		case *within < 0:
			return errors.New("--within: want 0 or more")
		}
		w := &keyWaiter{c: c, node: *node, progress: env.Progress(), used: f.used}
		return renew(ctx, env, w, f, *within, func() (*resource.Rotation, error) { return c.Rekey(ctx, *node, *within) })
	})
}

// handshakeWithin is when WireGuard begins a handshake on its own at the
// latest, while packets flow: REKEY_AFTER_TIME in its paper, section 6.1.
const handshakeWithin = 120 * time.Second

// renewFlags are those of commands that renew keys.
type renewFlags struct {
	wait, used bool
	timeout    time.Duration
	format     *output.Format
}

func addRenewFlags(cmd *cobra.Command) *renewFlags {
	f := &renewFlags{format: command.FormatFlag(cmd)}
	cmd.Flags().BoolVar(&f.wait, "wait", true, "wait until both ends of every lane have their new key")
	cmd.Flags().BoolVar(&f.used, "used", false, "wait until WireGuard has used the new keys as well; waits 2m more")
	cmd.Flags().DurationVar(&f.timeout, "timeout", time.Minute, "how long to wait")
	return f
}

// renew asks for new keys and waits for them; within is how long the agents
// may take to begin.
func renew(ctx context.Context, env *command.Env, w *keyWaiter, f *renewFlags, within time.Duration, ask func() (*resource.Rotation, error)) error {
	if f.timeout <= 0 {
		return errors.New("--timeout: want more than 0; do not wait with --wait=false")
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	rotation, err := ask()
	if err != nil {
		return err
	}
	if err := env.Printer().Print(*f.format, rotation, func(t *output.Text) { page.Rotation(t, rotation) }); err != nil {
		return err
	}
	if f.wait {
		timeout := f.timeout + within
		if f.used {
			timeout += handshakeWithin
		}
		done, err := w.wait(ctx, timeout)
		if err != nil {
			return errors.Join(err, trusting(rotation))
		}
		if *f.format == output.TableFormat || *f.format == output.Wide {
			if _, err := fmt.Fprintln(env.Stdout, renewed(done)); err != nil {
				return err
			}
		}
	}
	return trusting(rotation)
}

// renewed tells of lanes with new keys, some of which WireGuard has yet to use.
func renewed(done found) string {
	out := output.Count(done.keyed, "lane") + " with new keys at both ends"
	if done.unused > 0 {
		out += fmt.Sprintf("; in %d of them WireGuard uses the key from its next handshake on, within %.0f s", done.unused, handshakeWithin.Seconds())
	}
	return out
}

// trusting is the error of a rekey that did not reach everybody.
func trusting(r *resource.Rotation) error {
	if r.Node == "" || len(r.Untold) == 0 {
		return nil // of a rotation it is enough to tell one end
	}
	var who []string
	for _, u := range r.Untold {
		who = append(who, u.Node)
	}
	return command.Exit(command.CannotTell, "not told to distrust the keys it has: node %s; it may go on with keys that others know. "+
		"Say `keiro rekey --node %s` again when its agent is connected", strings.Join(who, ", "), r.Node)
}

// keyWaiter waits until lanes have newer keys than when it began.
type keyWaiter struct {
	c            *client.Client
	intent, node string // whose lanes; "": any
	progress     *command.Progress
	used         bool              // wait for handshakes as well
	before       map[string]uint64 // highest epoch, by lane
}

// found is what became of the lanes that are in use.
type found struct {
	keyed, unused int      // have new keys; of these, had no handshake with it yet
	open          []string // the others, and why
	closed        bool     // one of these is closed
}

func (w *keyWaiter) begin(ctx context.Context) error {
	lanes, err := w.c.Lanes(ctx, w.intent, w.node)
	w.before = map[string]uint64{}
	for _, l := range lanes {
		for _, e := range l.Ends {
			w.before[l.Name] = max(w.before[l.Name], e.Epoch)
		}
	}
	return err
}

// lookEvery is how often the controller is asked. Watches do not tell of lanes:
// their epochs change all the time.
const lookEvery = 200 * time.Millisecond

// wait waits until all lanes that are in use have new keys.
func (w *keyWaiter) wait(ctx context.Context, timeout time.Duration) (found, error) {
	defer w.progress.Clear()
	end := time.Now().Add(timeout)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		lanes, err := w.c.Lanes(ctx, w.intent, w.node)
		if err != nil && ctx.Err() == nil {
			return found{}, fmt.Errorf("the agents were told, but what became of it is not known: %w", err)
		}
		f := w.judge(lanes)
		if err == nil && len(f.open) == 0 && f.keyed > 0 {
			return f, nil
		}
		if err == nil && !time.Now().Before(end) {
			return f, late(f, timeout)
		}
		w.progress.Say("%d of %s with new keys; %s", f.keyed, output.Count(f.keyed+len(f.open), "lane"), strings.Join(f.open[:min(1, len(f.open))], ""))
		select {
		case <-ctx.Done():
			return f, errors.New("interrupted; the agents go on renewing the keys")
		case <-tick.C:
		}
	}
}

// judge says which lanes have no new key yet, and why.
func (w *keyWaiter) judge(lanes []resource.Lane) (f found) {
	for n := range lanes {
		l := &lanes[n]
		if !l.Serving {
			continue
		}
		why, shut := w.missing(l)
		unused := slices.IndexFunc(l.Ends, func(e resource.LaneEnd) bool { return !e.Proven })
		switch {
		case why == "" && unused < 0:
			f.keyed++
		case why == "" && !w.used:
			f.keyed++
			f.unused++
		case why == "":
			f.open = append(f.open, fmt.Sprintf("%s: node %s has had no handshake with the key of epoch %d yet", l.Name, l.Ends[unused].Node, l.Ends[unused].Epoch))
		default:
			f.open = append(f.open, l.Name+": "+why)
			f.closed = f.closed || shut
		}
	}
	return f
}

// missing says why a lane has no new key at both ends, the same at both.
func (w *keyWaiter) missing(l *resource.Lane) (why string, closed bool) {
	for _, e := range l.Ends {
		switch {
		case e.State == resource.LaneUnknown:
			return fmt.Sprintf("node %s does not tell of it", e.Node), false
		case e.Epoch <= w.before[l.Name] && e.Reason != "":
			return fmt.Sprintf("node %s is at epoch %d (%s)", e.Node, e.Epoch, e.Reason), e.State == resource.LaneClosed
		case e.Epoch <= w.before[l.Name]:
			return fmt.Sprintf("node %s is at epoch %d", e.Node, e.Epoch), false
		case e.State == resource.LaneClosed:
			return fmt.Sprintf("node %s keeps it closed (%s)", e.Node, e.Reason), true
		}
	}
	for n, e := range l.Ends {
		if first := l.Ends[0]; n > 0 && e.Epoch != first.Epoch {
			return fmt.Sprintf("node %s is at epoch %d, node %s at %d", first.Node, first.Epoch, e.Node, e.Epoch), false
		}
	}
	return "", false
}

// late tells what is missing after the time is over.
func late(f found, timeout time.Duration) error {
	if f.keyed+len(f.open) == 0 {
		return command.Exit(command.CannotTell, "waited %v; no lane is in use, so nothing tells of new keys. "+
			"`keiro get lanes -o wide` shows what there is; try again when an intent uses its lanes", timeout)
	}
	code := command.CannotTell
	if f.closed {
		code = command.Degraded
	}
	return command.Exit(code, "waited %v; %d of %s with new keys, the agents go on\n%s", timeout, f.keyed, output.Count(f.keyed+len(f.open), "lane"), strings.Join(f.open, "\n"))
}

func newRevokeCommand(env *command.Env) *cobra.Command {
	s := &session{Env: env}
	cmd := &cobra.Command{
		Use:   "revoke node NODE --yes",
		Short: "Believe the agent of a node no more",
		Long: `Believe the agent of a node no more, because somebody else may have its keys. Its
certificates and unused tokens are worthless at once, its session ends, and its
peers close their encrypted lanes to it: their packets are answered with
unreachable. The node itself goes on forwarding as it was last told; drain it to
move the paths of others off it.

It comes back with a new token (token create NODE), with which its agent enrols
again. Where its identity may be known to others, remove lane-keys.pem from the
agent's state directory first, so that it makes another.`,
		Example: "  keiro revoke node osa1 --yes",
		Args:    cobra.ExactArgs(2),
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return []string{"node"}, cobra.ShellCompDirectiveNoFileComp
		}
		return s.completes(1, nodeNames)(cmd, args, typed)
	}
	yes := cmd.Flags().Bool("yes", false, "do it, though its encrypted intents carry nothing from then on")
	format := command.FormatFlag(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		if args[0] != "node" {
			return fmt.Errorf("cannot revoke %q: want node NAME", args[0])
		}
		if !*yes {
			return hesitate(ctx, c, args[1])
		}
		r, err := c.Revoke(ctx, args[1])
		if err != nil {
			return err
		}
		return env.Printer().Print(*format, r, func(t *output.Text) {
			t.Printf("node %s revoked; `keiro token create %s` lets it enrol again\n", r.Node, r.Node)
			if len(r.Intents) > 0 {
				t.Printf("its peers close their lanes to it: %s\n", strings.Join(r.Intents, ", "))
			}
		})
	})
}

// hesitate says what would happen.
func hesitate(ctx context.Context, c *client.Client, node string) error {
	lanes, err := c.Lanes(ctx, "", node)
	if err != nil {
		return err
	}
	var hit []string
	for _, l := range lanes {
		if len(hit) == 0 || hit[len(hit)-1] != l.Intent {
			hit = append(hit, l.Intent)
		}
	}
	what := "no encrypted intent ends there"
	if len(hit) > 0 {
		what = "these intents have encrypted lanes to it, which are closed: " + output.Some(hit)
	}
	return fmt.Errorf("node %s is to be believed no more, until it enrols with a new token; %s. Say --yes if you mean it", node, what)
}
