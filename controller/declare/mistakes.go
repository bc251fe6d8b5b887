package declare

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// details turns the mistakes of a file into what the API answers, each once.
func details(err error) []resource.Detail {
	if err == nil {
		return nil
	}
	var mistakes strictyaml.Errors
	if !errors.As(err, &mistakes) {
		return []resource.Detail{{What: err.Error()}}
	}
	var out []resource.Detail
	for _, m := range mistakes {
		d := resource.Detail{What: m.Msg}
		m.Msg = ""
		d.Where = strings.TrimRight(m.Error(), ": ")
		if !slices.Contains(out, d) {
			out = append(out, d)
		}
	}
	return out
}

// maxDifferences is how many lines of a change are told.
const maxDifferences = 50

// differences are the lines that only one of two canonical documents has, in
// their order: `- maxDelay: 20ms`, `+ maxDelay: 25ms`.
func differences(before, after []byte) []string {
	old, now := count(before), count(after)
	only := func(text []byte, there map[string]int, mark string) (out []string) {
		for _, line := range strings.Split(string(text), "\n") {
			if there[line]--; there[line] < 0 {
				out = append(out, mark+strings.TrimLeft(line, " -"))
			}
		}
		return out
	}
	out := append(only(before, now, "- "), only(after, old, "+ ")...)
	if more := len(out) - maxDifferences; more > 0 {
		out = append(out[:maxDifferences], fmt.Sprintf("and %d more lines", more))
	}
	return out
}

func count(text []byte) map[string]int {
	n := map[string]int{}
	for _, line := range strings.Split(string(text), "\n") {
		n[line]++
	}
	return n
}
