// Command keiro-agent makes one machine obey its controller: it runs as root,
// in the network namespace it is to manage.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/keiro-net/keiro/agent/daemon"
	"github.com/keiro-net/keiro/cmd/internal/version"
)

func main() {
	if ok, err := command(os.Args[1:]); ok {
		end(err)
	}
	hostname, _ := os.Hostname() // --node is asked for if there is none
	var o daemon.Options
	flag.StringVar(&o.Node, "node", hostname, "name of this node in the topology")
	flag.StringVar(&o.Controller, "controller", "", "where the controller listens for agents: host:port, or unix:/path")
	flag.StringVar(&o.Dir, "state", stateDir, "directory for key, certificate and the last good config")
	flag.StringVar(&o.TokenFile, "token-file", "", "file with the enrolment token; else $KEIRO_TOKEN; only for the first start")
	laneFlags(&o)
	bgpFlags(&o)
	verbose := flag.Bool("v", false, "log debug messages")
	show := flag.Bool("version", false, "print the version and exit")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage of keiro-agent, such as\n  keiro-agent --controller keiro.example.net:7443 --node tyo1 --token-file /run/keiro-token\n\nkeiro-agent status tells what the agent has reached, keiro-agent floor --help of floors of encryption.\n\nFlags:")
		flag.PrintDefaults()
	}
	flag.Parse()
	if *show {
		fmt.Println("keiro-agent", version.String())
		return
	}
	var level slog.LevelVar
	if *verbose {
		level.Set(slog.LevelDebug)
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: &level}))
	debug.SetGCPercent(40) // memory counts here, time hardly
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := daemon.Run(ctx, o)
	stop()
	end(err)
}

func end(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, "keiro-agent:", err)
	os.Exit(1)
}
