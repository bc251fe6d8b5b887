// Package planout writes what the gate says for people and for the programs
// that watch over changes: tables, JUnit, SARIF, annotations of GitHub
// workflows and Code Quality reports of GitLab. It judges nothing;
// pathspec/gate does. The commands `keiro plan` and `keiro gate` call it.
package planout

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// Format is how a plan is printed, and the value of the flag -o.
type Format string

// The formats beyond those of every command.
const (
	JUnit  Format = "junit"
	SARIF  Format = "sarif"
	GitHub Format = "github"
	GitLab Format = "gitlab"
)

// Formats lists them all, in the order of the help text.
var Formats = append(slices.Clone(output.Formats), string(JUnit), string(SARIF), string(GitHub), string(GitLab))

// Set, String and Type make a Format a flag.
func (f *Format) Set(s string) error {
	if !slices.Contains(Formats, s) {
		return fmt.Errorf("want one of %s", strings.Join(Formats, ", "))
	}
	*f = Format(s)
	return nil
}

func (f *Format) String() string { return string(*f) }

// Type names the values in the help text.
func (f *Format) Type() string { return strings.Join(Formats, "|") }

// Print writes a plan. Nothing is written where that fails.
func Print(p output.Printer, f Format, plan *gate.Plan) error {
	var b bytes.Buffer
	var err error
	switch f {
	case JUnit:
		err = junit(&b, plan)
	case SARIF:
		err = sarif(&b, plan)
	case GitHub:
		github(&b, plan)
	case GitLab:
		err = gitlab(&b, plan)
	default:
		return p.Print(output.Format(f), plan, func(t *output.Text) { text(t, plan) })
	}
	if err != nil {
		return err
	}
	_, err = p.Out.Write(b.Bytes())
	return err
}

// group is findings that one sentence tells: of one characteristic of an
// intent, by the same changes, under several failures.
type group []gate.Finding

func groups(plan *gate.Plan) (list []group) {
	key := func(f gate.Finding) string {
		s := fmt.Sprint(f.Intent, " ", f.Characteristic, " ", f.Verdict, " ", f.After)
		if f.Blame != nil {
			s += fmt.Sprint(f.Blame.Sets, f.Blame.Least)
		}
		return s
	}
	at := map[string]int{}
	for _, f := range plan.Findings {
		i, have := at[key(f)]
		if !have {
			i = len(list)
			at[key(f)] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], f)
	}
	return list
}

// failures names those of a group; "" where none is part of it.
func (g group) failures() string {
	var names []string
	for _, f := range g {
		if f.Failure != "" {
			names = append(names, f.Failure)
		}
	}
	return output.Some(names)
}

// message is what the group says.
func (g group) message() string {
	if len(g) == 1 {
		return g[0].Message
	}
	_, left, _ := strings.Cut(g[0].Message, "fails, ")
	return fmt.Sprintf("when one of %s fails, %s", g.failures(), left)
}

// title says what degrades, or that it cannot be told.
func (g group) title() string {
	f := g[0]
	if f.Verdict == gate.Unknown {
		return fmt.Sprintf("%s: %s: cannot tell", f.Intent, f.Characteristic)
	}
	return fmt.Sprintf("%s: %s degrades: %s -> %s", f.Intent, f.Characteristic, f.Before, f.After)
}

// changesOf gives the changes of a plan by their ID.
func changesOf(plan *gate.Plan) map[string]gate.Change {
	by := make(map[string]gate.Change, len(plan.Changes))
	for _, c := range plan.Changes {
		by[c.ID] = c
	}
	return by
}

// where is the place of a change.
func where(c gate.Change) string {
	switch {
	case c.By != "":
		return " (" + c.By + ")"
	case c.File != "" && c.Op == "removed" && c.Was != "":
		return " (was " + c.Was + ")"
	case c.File != "":
		return fmt.Sprintf(" (%s:%d)", c.File, c.Line)
	}
	return ""
}

// blame is one line for each set of changes to blame.
func blame(b *gate.Blame, by map[string]gate.Change) (lines []string) {
	if b == nil {
		return nil
	}
	for n, set := range b.Sets {
		word := "by "
		if n > 0 {
			word = "or "
		}
		texts := make([]string, 0, len(set))
		for _, id := range set {
			texts = append(texts, by[id].Text+where(by[id]))
		}
		line := word + someOf(texts)
		if len(set) > 1 {
			line = fmt.Sprintf("%s%d changes together: %s", word, len(set), someOf(texts))
		}
		if !b.Least {
			line += "; perhaps by fewer"
		}
		lines = append(lines, line)
	}
	return lines
}

func someOf(texts []string) string {
	const most = 5
	if more := len(texts) - most; more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(texts[:most], "; "), more)
	}
	return strings.Join(texts, "; ")
}
