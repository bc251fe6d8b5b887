package labcmd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/kmes"
	"github.com/keiro-net/keiro/topology/clab"
)

func newKMECommand(env *command.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "kme FILE.clab.yml",
		Short: "Serve the KMEs of a lab's QKD links until interrupted",
		Long: `Serve a QKD network for a lab that is up: a KME (ETSI GS QKD 014) in every node
with a link that has qkd: true. "keiro lab up" runs this in the background, and
"keiro lab down" ends it. DIR/kme/NODE/kme.json, in the run directory of the
lab, is what an agent in the node wants with --kme.`,
		Example: "  keiro lab kme examples/jp12.clab.yml",
		Args:    cobra.ExactArgs(1),
	}
	return asRoot(env, cmd, false, func(ctx context.Context, args []string) error {
		file, err := readFile(env, args[0])
		if err != nil {
			return err
		}
		l, err := open(ctx, env, args[0])
		if err != nil {
			return err
		}
		if len(kmes.Nodes(file)) == 0 {
			return fmt.Errorf("no link of %s has a QKD system: give one `qkd: true` in its vars", args[0])
		}
		k, err := kmes.Start(l, file, kmes.Options{})
		if err != nil {
			return err
		}
		<-ctx.Done()
		k.Close()
		return nil
	})
}

// startKMEs has this program serve the KMEs of a lab in the background, in one
// of its nodes, so that it ends with the lab. It returns the nodes that have
// one.
func startKMEs(ctx context.Context, env *command.Env, l *lab.Lab, file *clab.File, word string) ([]string, error) {
	nodes := kmes.Nodes(file)
	if len(nodes) == 0 || kmes.Answer(l, nodes) == nil {
		return nodes, nil
	}
	_, data, err := env.Read(word) // it may have been standard input
	if err != nil {
		return nil, err
	}
	copied, logged := filepath.Join(l.Dir(), "kme.clab.yml"), filepath.Join(l.Dir(), "kme.log")
	if err := os.WriteFile(copied, data, 0o600); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logged, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	serve := exec.Command("/proc/self/exe", "lab", "kme", copied)
	serve.Args[0] = os.Args[0]
	serve.Stdout, serve.Stderr = log, log
	serve.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // it outlives us
	if err := l.Start(ctx, nodes[0], serve); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = serve.Wait() // what it logged says why
		close(ended)
	}()
	deadline, tick := time.NewTimer(30*time.Second), time.NewTicker(20*time.Millisecond)
	defer deadline.Stop()
	defer tick.Stop()
	for {
		err := kmes.Answer(l, nodes)
		if err == nil {
			return nodes, nil
		}
		select {
		case <-tick.C:
			continue
		case <-ended:
		case <-deadline.C:
		case <-ctx.Done():
		}
		said, _ := os.ReadFile(logged) // "" where there is nothing
		return nil, errors.Join(fmt.Errorf("the KMEs of lab %s do not come up: %w", l.Name(), err), errors.New(strings.TrimSpace(string(said))))
	}
}
