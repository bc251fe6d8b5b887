package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/keiro-net/keiro/agent/nodecfg"
	"github.com/keiro-net/keiro/cmd/internal/version"
	"github.com/keiro-net/keiro/controller"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

// options reads the flags.
func options(args []string) (controller.Options, error) {
	o := controller.Options{Version: resource.Version{Version: version.String(), Go: runtime.Version()}}
	flags := flag.NewFlagSet("keiro-controller", flag.ContinueOnError)
	flags.StringVar(&o.Dir, "state", "/var/lib/keiro-controller", "directory for the store, the authority and the operator's credentials")
	flags.StringVar(&o.API, "api", "127.0.0.1:7080", "where the REST API listens: host:port, or fd:3 for a socket that this program is started with")
	agents := flags.String("agents", ":7443", "where agents dial, comma separated: host:port or unix:/path")
	names := flags.String("names", "", "names and addresses of this machine for its certificate, comma separated")
	etcd := flags.String("etcd", "", "endpoints of an etcd cluster, comma separated; without it the store is embedded")
	alerting := flags.String("alerting", "", "file of kind Alerting that says whom alerts are sent to")
	operators := flags.String("operators", "", "file with the public keys of the operators whose waivers count, one behind the other; without it nobody's do")
	flags.StringVar(&o.BGP, "bgp", "", "file of kind BGP that says with which routers sessions are held; without it there are none")
	flags.DurationVar(&o.SolveTime, "solve-time", 5*time.Second, "the longest time for the paths of all intents, and again for reasons and reserves")
	p := core.Params{Gather: 20 * time.Millisecond}
	flags.DurationVar(&p.WaitToRestore, "wait-to-restore", 5*time.Second, "how long a link must be up again before paths return to it")
	flags.DurationVar(&p.Settle, "settle", 10*time.Second, "how long after a start known agents are waited for")
	flags.DurationVar(&p.AgentLost, "agent-lost", 10*time.Second, "how long an agent may be away before an alert")
	flags.DurationVar(&p.Linger, "linger", time.Second, "how long an SR Policy candidate path that still works stays at its headend beside the one that replaces it")
	p.Probe = nodecfg.Probe{Lost: 3, Back: 5}
	flags.DurationVar(&p.Probe.Interval, "probe-interval", 10*time.Millisecond, "time between two probes of a path; 0 probes none")
	flags.BoolVar(&p.Sample, "sample-traffic", true, "have nodes look at packets on their links, at random, for traffic of intents where it should not be")
	flags.DurationVar(&p.Probe.Measure, "measure-interval", 100*time.Millisecond, "time between two test packets of a path that measure delay and loss of each direction (STAMP); 0 sends none")
	flags.Int64Var(&p.MaxLossPPM, "max-loss-ppm", 1000, "the most that a path may lose in each direction, in packets of a million, where its intent states nothing; 0: no bound")
	verbose := flags.Bool("v", false, "log debug messages")
	show := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		return o, err
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if m := p.Probe.Measure; m != 0 && m < nodecfg.MinMeasure {
		return o, fmt.Errorf("--measure-interval %s: want 0, or %s and more: agents take no less", m, nodecfg.MinMeasure)
	}
	if i := p.Probe.Interval; i != 0 && i < nodecfg.MinInterval {
		return o, fmt.Errorf("--probe-interval %s: want 0, or %s and more: agents take no less", i, nodecfg.MinInterval)
	}
	if p.MaxLossPPM < 0 || p.MaxLossPPM > 1e6 {
		return o, fmt.Errorf("--max-loss-ppm %d: want 0 to 1000000", p.MaxLossPPM)
	}
	if *show {
		fmt.Println("keiro-controller", version.String())
		os.Exit(0)
	}
	o.Params = p
	o.Agents, o.Names, o.Store.Endpoints = list(*agents), list(*names), list(*etcd)
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	o.Log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if *operators != "" {
		var err error
		if o.Operators, err = controller.ReadOperators(*operators); err != nil {
			return o, err
		}
	}
	if *alerting != "" {
		var err error
		if o.Endpoints, err = controller.ReadAlerting(*alerting); err != nil {
			return o, err
		}
	}
	return o, nil
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
