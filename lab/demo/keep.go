package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/world"
)

// leave says what can be tried in what is left running.
func (d *demo) leave() error {
	d.act("It is all yours")
	if d.hook != nil {
		d.hook.close()
		d.say("Alerts have nobody to go to any more; `keiro alerts` lists them.")
	}
	d.say("Everything is left running. Try:")
	bin, err := filepath.Abs(d.Bin)
	if err != nil {
		return err
	}
	d.command("export PATH=%s:$PATH", bin)
	online := "keiro"
	if inUserNamespace() {
		d.say("The lab is in a user namespace of yours; what is to reach its controller runs there:")
		online = d.name() + " --"
	} else {
		d.command("export KEIRO_CONFIG=%s", world.ClientConfig(d.file.Name))
	}
	for _, try := range d.story.try {
		d.command("%s", strings.NewReplacer("%s", online, "%f", d.example(d.story.lab)).Replace(try))
	}
	d.say("And to end it:")
	d.command("%s --down", d.name())
	return nil
}

// inUserNamespace reports whether we are root of a user namespace only: the
// first one maps all of 32 bits to themselves (user_namespaces(7)).
func inUserNamespace() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

// Down ends what Run has left.
func Down(ctx context.Context, o Options) error {
	file, err := newDemo(o).readLab()
	if err != nil {
		return err
	}
	err = world.Down(ctx, file.Name)
	if errors.Is(err, lab.ErrNotUp) {
		return errors.New("no demo is running")
	}
	if err != nil {
		return err
	}
	left, err := world.Left(file.Name)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("still there: %s", strings.Join(left, ", "))
	}
	if err == nil {
		_, err = fmt.Fprintln(o.Out, "the demo is over, nothing is left")
	}
	return err
}

// Keiro runs the command line with the controller that Run has left, and
// returns its exit code.
func Keiro(ctx context.Context, o Options, args []string) (int, error) {
	d := newDemo(o)
	file, err := d.readLab()
	if err != nil {
		return 1, err
	}
	if _, err := os.Stat(world.ClientConfig(file.Name)); err != nil {
		return 1, fmt.Errorf("no demo is running; `%s --keep` leaves one so", d.name())
	}
	cmd := exec.CommandContext(ctx, filepath.Join(o.Bin, "keiro"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = clientEnv(file.Name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, fmt.Errorf("run keiro %s: %w", args[0], err)
	}
	return cmd.ProcessState.ExitCode(), nil
}
