// Command keiro-controller decides for a fleet: it keeps what operators
// declare, tells the agents, and serves the API.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/keiro-net/keiro/controller"
)

func main() {
	o, err := options(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "keiro-controller:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := controller.Run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "keiro-controller:", err)
		os.Exit(1)
	}
}
