package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/keiro-net/keiro/agent/lane/helper"
)

// runLane is the process behind one lane: the agent starts it, and says on
// descriptor 3 how that went.
func runLane(args []string) error {
	o := helper.Options{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
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
		return fmt.Errorf("lane wants --interface and --socket")
	}
	ready := os.NewFile(3, "ready")
	o.Ready = func(err error) {
		if err == nil {
			fmt.Fprint(ready, "ready")
		} else {
			fmt.Fprint(ready, err)
		}
		ready.Close()
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	return helper.Run(ctx, o)
}
