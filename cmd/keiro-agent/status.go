package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/keiro-net/keiro/agent/local"
)

const statusUsage = `keiro-agent status says what the agent of this node has reached: its links, the
paths that packets take now, what others changed and whether that is put back,
and what it cannot do and why. That is what it tells the controller. It answers
without one too, and says since when there is none, why, what goes on all the
same, and until when its certificate lets it in.

  keiro-agent status
  keiro-agent status -o json

Flags:
`

// statusCommand is the command `keiro-agent status`.
func statusCommand(args []string, out, usage io.Writer) error {
	flags := flag.NewFlagSet("keiro-agent status", flag.ContinueOnError)
	flags.SetOutput(usage)
	dir := flags.String("state", stateDir, "state directory of the agent")
	format := flags.String("o", "table", "what to print: table or json")
	flags.Usage = func() {
		fmt.Fprint(usage, statusUsage)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case flags.NArg() > 0:
		return fmt.Errorf("status takes no words, and there is %q", flags.Arg(0))
	case *format != "table" && *format != "json":
		return fmt.Errorf("-o %s: there are table and json", *format)
	}
	r, err := local.Status(*dir)
	if err != nil {
		if errors.Is(err, local.ErrNoAgent) {
			err = fmt.Errorf("%w, %s: start it, or say where its state is with --state", err, *dir)
		}
		return err
	}
	if *format == "json" {
		return printJSON(out, r)
	}
	return printStatus(out, r)
}

func printStatus(out io.Writer, s *local.State) error {
	r := &s.Report
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	yes := map[bool]string{true: "yes", false: "no"}
	if r.Revision == 0 {
		fmt.Fprintf(w, "node %s has no config yet\n", r.Node)
	} else {
		fmt.Fprintf(w, "node %s, config revision %d, reached: %s\n", r.Node, r.Revision, yes[r.Reached])
	}
	printUplink(w, s)
	if len(r.Links) > 0 {
		fmt.Fprintln(w, "\nLINK\tUP\tMTU")
	}
	for _, l := range r.Links {
		fmt.Fprintf(w, "%s\t%s\t%d\n", l.Name, yes[l.Up], l.MTU)
	}
	if len(r.Paths) > 0 {
		fmt.Fprintln(w, "\nPATH\tACTIVE\tSTATE\tCAUSE")
	}
	for _, p := range r.Paths {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", p.Name, yes[p.Active], p.State, p.Cause)
	}
	if len(r.Drifts) > 0 {
		fmt.Fprintf(w, "\nCHANGED BY OTHERS, %d in all\tHOW\tBY\tSINCE\tPUT BACK\n", r.Drifted)
	}
	for _, d := range r.Drifts {
		back := "no"
		switch {
		case d.Kept != "":
			back += ": " + d.Kept
		case !d.Restored.IsZero():
			back = "after " + d.Restored.Sub(d.At).Round(time.Millisecond).String()
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", d.Object, d.Change, cmp.Or(d.By, "unknown"), d.At.Format(time.DateTime), back)
	}
	if err := w.Flush(); err != nil || len(r.Errors) == 0 {
		return err
	}
	fmt.Fprintln(out, "\nNot as it should be:")
	for _, e := range r.Errors {
		if _, err := fmt.Fprintf(out, "  %s: %s\n", e.Object, e.Error); err != nil {
			return err
		}
	}
	return nil
}
