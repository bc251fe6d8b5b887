package planout

import (
	"fmt"
	"io"
	"strings"

	"github.com/keiro-net/keiro/pathspec/gate"
)

// How a workflow command escapes what would end it or its properties
// (actions/toolkit, packages/core/src/command.ts).
var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// github writes an annotation for each group of findings, at the first line to
// blame; and a notice where something changes and nothing degrades.
func github(w io.Writer, plan *gate.Plan) {
	by := changesOf(plan)
	annotate := func(command, title, message string, at []gate.Change) {
		var properties []string
		if len(at) > 0 {
			properties = append(properties, "file="+escapeProperty.Replace(at[0].File))
			if at[0].Line > 0 {
				properties = append(properties, fmt.Sprintf("line=%d", at[0].Line))
			}
		}
		properties = append(properties, "title="+escapeProperty.Replace(title))
		fmt.Fprintf(w, "::%s %s::%s\n", command, strings.Join(properties, ","), escapeData.Replace(message))
	}
	for _, g := range groups(plan) {
		command := "error"
		if g[0].Verdict == gate.Unknown {
			command = "warning"
		}
		annotate(command, g.title(), strings.Join(append([]string{g.message()}, blame(g[0].Blame, by)...), "\n"), blamed(g[0].Blame, by))
	}
	if plan.Verdict == gate.Changes {
		var names []string
		for _, i := range plan.Intents {
			if i.Verdict == gate.Changes {
				names = append(names, i.Name)
			}
		}
		annotate("notice", "keiro plan", "paths or values change, and nothing declared degrades: "+strings.Join(names, ", "), nil)
	}
}
