package online

import (
	"context"
	"errors"
	"fmt"
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
when their interval is over; then wait until both ends of every lane use them.
All lanes between two such agents are renewed with it. No packet is lost by it.
Exit code 3: a lane is closed; 4: not all had new keys in time.`,
		Example: "  keiro rotate tyo-osa-gold",
		Args:    cobra.ExactArgs(1),
	}
	cmd.ValidArgsFunction = s.completes(0, intentNames)
	wait, timeout, format := waitFlags(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, args []string) error {
		w := &keyWaiter{c: c, intent: args[0], progress: env.Progress()}
		return renew(ctx, env, w, *format, *wait, *timeout, func() (*resource.Rotation, error) { return c.Rotate(ctx, args[0]) })
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
Exit code 3: a lane is closed; 4: not all had new keys in time.`,
		Example: "  keiro rekey --node osa1 --within 30s",
		Args:    cobra.NoArgs,
	}
	node := cmd.Flags().String("node", "", "`NODE` whose keys others may know")
	_ = cmd.RegisterFlagCompletionFunc("node", s.completes(everywhere, nodeNames)) // the flag is there
	within := cmd.Flags().Duration("within", 30*time.Second, "spread the pairs over this time")
	wait, timeout, format := waitFlags(cmd)
	return s.attach(cmd, func(ctx context.Context, c *client.Client, _ []string) error {
		switch {
		case *node == "":
			return errors.New("which node? give --node NODE")
		case *within < 0:
			return errors.New("--within: want 0 or more")
		}
		w := &keyWaiter{c: c, node: *node, progress: env.Progress()}
		return renew(ctx, env, w, *format, *wait, *timeout+*within, func() (*resource.Rotation, error) { return c.Rekey(ctx, *node, *within) })
	})
}

// waitFlags are those of commands that renew keys.
func waitFlags(cmd *cobra.Command) (wait *bool, timeout *time.Duration, format *output.Format) {
	wait = cmd.Flags().Bool("wait", true, "wait until both ends of every lane use their new key")
	timeout = cmd.Flags().Duration("timeout", time.Minute, "how long to wait")
	return wait, timeout, command.FormatFlag(cmd)
}

// renew asks for new keys and waits for them.
func renew(ctx context.Context, env *command.Env, w *keyWaiter, format output.Format, wait bool, timeout time.Duration, ask func() (*resource.Rotation, error)) error {
	if timeout <= 0 {
		return errors.New("--timeout: want more than 0; do not wait with --wait=false")
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	rotation, err := ask()
	if err != nil {
		return err
	}
	if err := env.Printer().Print(format, rotation, func(t *output.Text) { page.Rotation(t, rotation) }); err != nil || !wait {
		return err
	}
	n, err := w.wait(ctx, timeout)
	if err == nil && (format == output.TableFormat || format == output.Wide) {
		_, err = fmt.Fprintf(env.Stdout, "%s with new keys at both ends\n", output.Count(n, "lane"))
	}
	return err
}

// keyWaiter waits until lanes have newer keys than when it began.
type keyWaiter struct {
	c            *client.Client
	intent, node string // whose lanes; "": any
	progress     *command.Progress
	before       map[string]uint64 // highest epoch, by lane
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

// wait returns how many lanes have new keys: all that are in use.
func (w *keyWaiter) wait(ctx context.Context, timeout time.Duration) (int, error) {
	defer w.progress.Clear()
	end := time.Now().Add(timeout)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		lanes, err := w.c.Lanes(ctx, w.intent, w.node)
		if err != nil && ctx.Err() == nil {
			return 0, fmt.Errorf("the agents were told, but what became of it is not known: %w", err)
		}
		done, open, closed := w.judge(lanes)
		if err == nil && len(open) == 0 {
			return done, nil
		}
		if err == nil && !time.Now().Before(end) {
			return done, late(done, open, closed, timeout)
		}
		w.progress.Say("%d of %s with new keys; %s", done, output.Count(done+len(open), "lane"), strings.Join(open[:min(1, len(open))], ""))
		select {
		case <-ctx.Done():
			return done, errors.New("interrupted; the agents go on renewing the keys")
		case <-tick.C:
		}
	}
}

// judge says which lanes have no new key yet, and why.
func (w *keyWaiter) judge(lanes []resource.Lane) (done int, open []string, closed bool) {
	for n := range lanes {
		switch why, shut := w.missing(&lanes[n]); {
		case !lanes[n].Serving:
		case why == "":
			done++
		default:
			open = append(open, lanes[n].Name+": "+why)
			closed = closed || shut
		}
	}
	return done, open, closed
}

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
		case !e.Proven:
			return fmt.Sprintf("node %s has had no handshake with the key of epoch %d yet", e.Node, e.Epoch), false
		}
	}
	return "", false
}

// late tells what is missing after the time is over.
func late(done int, open []string, closed bool, timeout time.Duration) error {
	code := command.CannotTell
	if closed {
		code = command.Degraded
	}
	return command.Exit(code, "waited %v; %d of %s with new keys, the agents go on\n%s", timeout, done, output.Count(done+len(open), "lane"), strings.Join(open, "\n"))
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
