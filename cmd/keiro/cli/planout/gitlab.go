package planout

import (
	"cmp"
	"encoding/json"
	"io"
	"strings"

	"github.com/keiro-net/keiro/pathspec/gate"
)

// issue is one entry of a Code Quality report of GitLab: the part of the Code
// Climate specification that GitLab reads.
type issue struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"` // info, minor, major, critical or blocker
	Location    struct {
		Path  string `json:"path"` // relative to the repository, and never empty
		Lines struct {
			Begin int `json:"begin"` // from 1
		} `json:"lines"`
	} `json:"location"`
}

// gitlab writes one issue a finding, at the first line to blame. Where no file
// is to blame it is at the first file that changes, as GitLab wants some.
func gitlab(w io.Writer, plan *gate.Plan) error {
	issues := []issue{}
	by := changesOf(plan)
	somewhere := gate.Change{File: "."}
	for _, c := range plan.Changes {
		if c.File != "" {
			somewhere = c
			break
		}
	}
	for _, f := range plan.Findings {
		g := group{f}
		i := issue{CheckName: "keiro/" + f.Characteristic, Fingerprint: f.Fingerprint, Severity: "critical"}
		i.Description = strings.Join(append([]string{g.title() + ": " + g.message()}, blame(f.Blame, by)...), "; ")
		if f.Verdict == gate.Unknown {
			i.Severity = "major"
		}
		at := append(blamed(f.Blame, by), somewhere)[0]
		i.Location.Path, i.Location.Lines.Begin = at.File, cmp.Or(at.Line, 1)
		issues = append(issues, i)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(issues)
}
