package helper

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// Main is the whole process: args are those that lane.Helpers starts it with,
// and it says on descriptor 3 how that went.
func Main(args []string) error {
	o := Options{Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Ready: tell}
	flags := flag.NewFlagSet("keiro-agent lane", flag.ExitOnError)
	flags.StringVar(&o.Interface, "interface", "", "name of the interface to make")
	flags.StringVar(&o.Socket, "socket", "", "path of the unix socket to be told over")
	flags.IntVar(&o.MTU, "mtu", 1420, "MTU of the interface, bytes")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "keiro-agent lane is WireGuard for one lane where the kernel has none.\nThe agent starts it; it lives on when the agent ends.\n\nFlags:")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.Interface == "" || o.Socket == "" {
		flags.Usage()
		return errors.New("lane wants --interface and --socket")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return Run(ctx, o)
}

func tell(err error) {
	ready := os.NewFile(3, "ready")
	said := "ready"
	if err != nil {
		said = err.Error()
	}
	_, _ = ready.WriteString(said) // the agent may be gone: then nobody waits
	_ = ready.Close()
}
