package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/keiro-net/keiro/agent"
	"github.com/keiro-net/keiro/agent/floor"
	"github.com/keiro-net/keiro/agent/local"
)

const stateDir = "/var/lib/keiro-agent"

const floorUsage = `keiro-agent floor says what encryption the packets of this node's intents have
at least, and lowers it. No configuration of the controller can: what was
encrypted once is carried with as much or not at all.

  keiro-agent floor list [-o table|json]
  keiro-agent floor lower tyo-osa-gold     its floor is then what the controller asks for now

Both ends of an intent have floors: lower them at each. The agent must run.

Flags:
`

// floorCommand is the command `keiro-agent floor`.
func floorCommand(args []string, out, usage io.Writer) error {
	flags := flag.NewFlagSet("keiro-agent floor", flag.ContinueOnError)
	flags.SetOutput(usage)
	dir := flags.String("state", stateDir, "state directory of the agent")
	format := flags.String("o", "table", "what list prints: table or json")
	flags.Usage = func() {
		fmt.Fprint(usage, floorUsage)
		flags.PrintDefaults()
	}
	var words []string // flags may stand before, between and behind them
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil
			}
			return err
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		words, args = append(words, args[0]), args[1:]
	}
	switch {
	case *format != "table" && *format != "json":
		return fmt.Errorf("-o %s: there are table and json", *format)
	case slices.Equal(words, []string{"list"}):
		return listFloors(*dir, *format, out)
	case len(words) == 2 && words[0] == "lower":
		return lowerFloor(*dir, words[1], *format, out)
	}
	flags.Usage()
	return errors.New("floor wants `list` or `lower INTENT`")
}

func listFloors(dir, format string, out io.Writer) error {
	a, err := local.Ask(dir, "")
	stopped := errors.Is(err, local.ErrNoAgent)
	if stopped {
		var f floor.Floors
		f, err = agent.LoadFloors(dir, "")
		a = floor.Answer{Floors: f.Views(nil)}
	}
	if err != nil {
		return err
	}
	if format == "json" {
		return printJSON(out, a)
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "INTENT\tFLOOR\tFENCED\tTRAFFIC")
	for _, v := range a.Floors {
		fenced := "no"
		switch {
		case stopped:
			fenced = "unknown"
		case v.Fenced:
			fenced = "yes"
		}
		for i, t := range v.Traffic {
			if i == 0 {
				fmt.Fprintf(w, "%s\t%s\t%s\t", v.Intent, v.Level, fenced)
			} else {
				fmt.Fprint(w, "\t\t\t")
			}
			fmt.Fprintf(w, "%s to %s", t.From, t.To)
			if t.Level != v.Level {
				fmt.Fprintf(w, " (%s)", t.Level)
			}
			fmt.Fprintln(w)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if stopped {
		_, err = fmt.Fprintf(out, "\nNo agent is running with %s: these are the floors that it kept.\n", dir)
		return err
	}
	return explain(out, a.Floors)
}

// explain says what is amiss with floors.
func explain(out io.Writer, floors []floor.View) error {
	var b strings.Builder
	for _, v := range floors {
		switch {
		case v.Fenced:
			fmt.Fprintf(&b, "\n%s: some of its packets are answered with unreachable: %s.\nIf that is meant: keiro-agent floor lower %s\n", v.Intent, v.Reason, v.Intent)
		case v.Reason != "":
			fmt.Fprintf(&b, "\n%s: %s.\nIf that is meant: keiro-agent floor lower %s\n", v.Intent, v.Reason, v.Intent)
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func lowerFloor(dir, intent, format string, out io.Writer) error {
	before, err := local.Ask(dir, "")
	if err == nil {
		var after floor.Answer
		if after, err = local.Ask(dir, intent); err == nil {
			return lowered(intent, format, out, before, after)
		}
	}
	if errors.Is(err, local.ErrNoAgent) {
		return fmt.Errorf("%w, %s: it is the running agent that lowers a floor, so that the kernel follows at once. Start it, or say where its state is with --state", err, dir)
	}
	return err
}

func lowered(intent, format string, out io.Writer, before, after floor.Answer) error {
	if format == "json" {
		return printJSON(out, after)
	}
	level := func(a floor.Answer) string {
		for _, v := range a.Floors {
			if v.Intent == intent {
				return v.Level
			}
		}
		return "none"
	}
	if _, err := fmt.Fprintf(out, "floor of %s at %s: was %s, is %s\n", intent, after.Node, level(before), level(after)); err != nil {
		return err
	}
	return explain(out, after.Floors)
}

func printJSON(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
