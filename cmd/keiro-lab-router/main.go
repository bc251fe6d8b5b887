// Command keiro-lab-router is a plain router for labs: gobgp, and SRv6 of the
// kernel of the network namespace that it runs in. It is no part of a network
// that Keiro keeps: it plays the routers of others there.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/keiro-net/keiro/lab/router"
	"github.com/keiro-net/keiro/lab/router/rib"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "keiro-lab-router:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	file := flag.String("config", "", "file with documents of kind LabRouter")
	node := flag.String("node", "", "which of them is this router")
	socket := flag.String("socket", "", "unix socket at which the router can be asked for its RIB")
	show := flag.Bool("rib", false, "print the SR Policies and colored routes of the router that listens at --socket, and exit")
	flag.Parse()
	if *show {
		found, err := rib.Read(ctx, *socket)
		fmt.Print(found.String())
		return err
	}
	data, err := os.ReadFile(*file)
	if err != nil {
		return err
	}
	routers, err := router.Parse(*file, data)
	if err != nil {
		return err
	}
	config, err := router.Find(routers, *node)
	if err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	return router.Run(ctx, router.Options{Config: config, Socket: *socket, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
}
