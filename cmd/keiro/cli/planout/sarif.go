package planout

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/keiro-net/keiro/cmd/internal/version"
	"github.com/keiro-net/keiro/pathspec/gate"
)

// SARIF 2.1.0 (OASIS), as far as a plan needs it; the section is beside each
// object.
type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct { // 3.14
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
}

type sarifTool struct { // 3.18
	Driver struct { // 3.19
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	} `json:"driver"`
}

type sarifRule struct { // 3.49
	ID    string       `json:"id"`
	Short sarifMessage `json:"shortDescription"`
}

type sarifMessage struct { // 3.11
	Text string `json:"text"`
}

type sarifResult struct { // 3.27
	RuleID       string            `json:"ruleId"`
	RuleIndex    int               `json:"ruleIndex"`
	Level        string            `json:"level"`
	Message      sarifMessage      `json:"message"`
	Locations    []sarifLocation   `json:"locations,omitempty"`
	Related      []sarifLocation   `json:"relatedLocations,omitempty"`
	Fingerprints map[string]string `json:"partialFingerprints"`
	Properties   map[string]string `json:"properties"`
}

type sarifLocation struct { // 3.28
	ID       *int          `json:"id,omitempty"`
	Physical sarifPhysical `json:"physicalLocation"`
	Message  *sarifMessage `json:"message,omitempty"`
}

type sarifPhysical struct { // 3.29
	Artifact struct {
		URI string `json:"uri"`
	} `json:"artifactLocation"`
	Region *sarifRegion `json:"region,omitempty"`
}

type sarifRegion struct { // 3.30
	StartLine int `json:"startLine"`
}

func sarif(w io.Writer, plan *gate.Plan) error {
	run := sarifRun{Results: []sarifResult{}}
	d := &run.Tool.Driver
	d.Name, d.Version, d.InformationURI = "keiro plan", version.String(), "https://github.com/keiro-net/keiro"
	number := map[string]int{}
	for i, c := range gate.Characteristics {
		number[c.ID] = i
		d.Rules = append(d.Rules, sarifRule{c.ID, sarifMessage{c.Description}})
	}
	by := changesOf(plan)
	for _, f := range plan.Findings {
		g := group{f}
		r := sarifResult{
			RuleID: f.Characteristic, RuleIndex: number[f.Characteristic], Level: "error",
			Message:      sarifMessage{strings.Join(append([]string{g.title(), f.Message}, blame(f.Blame, by)...), "\n")},
			Fingerprints: map[string]string{"keiroPlan/v1": f.Fingerprint},
			Properties:   map[string]string{"id": f.ID, "intent": f.Intent, "before": f.Before, "after": f.After},
		}
		if f.Failure != "" {
			r.Properties["failure"] = f.Failure
		}
		if f.Verdict == gate.Unknown {
			r.Level = "warning"
		}
		for _, c := range blamed(f.Blame, by) {
			l := location(c)
			if len(r.Locations) == 0 {
				r.Locations = []sarifLocation{l}
				continue
			}
			l.ID = new(int)
			*l.ID = len(r.Related)
			r.Related = append(r.Related, l)
		}
		run.Results = append(run.Results, r)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	})
}

// blamed lists the changes to blame that are written in a file, once each.
func blamed(b *gate.Blame, by map[string]gate.Change) (list []gate.Change) {
	if b == nil {
		return nil
	}
	have := map[string]bool{}
	for _, set := range b.Sets {
		for _, id := range set {
			if c := by[id]; c.File != "" && !have[id] {
				have[id] = true
				list = append(list, c)
			}
		}
	}
	return list
}

func location(c gate.Change) sarifLocation {
	l := sarifLocation{Message: &sarifMessage{c.Text}}
	uri := url.URL{Path: filepath.ToSlash(c.File)}
	if filepath.IsAbs(c.File) {
		uri.Scheme = "file"
	}
	l.Physical.Artifact.URI = uri.String()
	if c.Line > 0 {
		l.Physical.Region = &sarifRegion{c.Line}
	}
	return l
}
