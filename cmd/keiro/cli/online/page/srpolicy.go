package page

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// srPolicies shows what headends were told of an intent by BGP, as routers name
// it, and what they say of that; nothing where none is told by BGP.
func srPolicies(t *output.Text, i *resource.Intent) {
	table := &output.Table{Heads: []string{"HEADEND", "SR POLICY", "COLOR", "ENDPOINT", "DISTINGUISHER", "PREFERENCE", "HELD", "ACTIVE", "MESSAGE"}}
	rows := 0
	for n := range i.Status.Paths {
		p := &i.Status.Paths[n]
		if p.SRPolicy == nil {
			continue
		}
		if rows++; rows == 1 {
			t.Printf("\n")
		}
		row := []string{p.Headend, strings.TrimPrefix(p.Name, i.Metadata.Name+"/"), "-", "-", "-", "-"}
		if c := p.SRPolicy.Candidate; c != nil {
			row = []string{p.Headend, c.Name, fmt.Sprint(c.Color), c.Endpoint, fmt.Sprint(c.Distinguisher), fmt.Sprint(c.Preference)}
		}
		table.Add(append(row, verdict(p.SRPolicy.Held), verdict(p.SRPolicy.Active), output.Or(p.SRPolicy.Message))...)
	}
	if rows > 0 {
		t.Table(table)
	}
}

func verdict(s resource.ConditionStatus) string {
	return cmp.Or(map[resource.ConditionStatus]string{resource.True: "yes", resource.False: "no"}[s], "cannot tell")
}

// installed is what the headend of a path says of it.
func installed(p *resource.PathStatus) string {
	if p.SRPolicy != nil && p.SRPolicy.Held == resource.Unknown {
		return verdict(resource.Unknown)
	}
	return output.YesNo(p.Installed)
}

// active is whether packets take a path, by its headend or the agent there.
func active(p *resource.PathStatus) string {
	if p.SRPolicy != nil && !p.Active && p.SRPolicy.Active == resource.Unknown && p.Since.IsZero() {
		return verdict(resource.Unknown)
	}
	return output.YesNo(p.Active)
}

// color is that of an intent's SR Policies.
func color(i *resource.Intent) string {
	for _, p := range i.Status.Paths {
		if p.SRPolicy != nil && p.SRPolicy.Candidate != nil {
			return fmt.Sprint(p.SRPolicy.Candidate.Color)
		}
	}
	return "-"
}
