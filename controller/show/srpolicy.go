package show

import (
	"fmt"

	"github.com/keiro-net/keiro/bgp/srpolicy/report"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/controller/core"
)

// srPolicyOf is what a headend was told of a path by BGP, and what it says of it.
func srPolicyOf(s core.Seen) *resource.SRPolicy {
	out := &resource.SRPolicy{Held: verdict(s.Held), Active: verdict(s.Installed), Message: s.Why}
	if t := s.Told; t != nil {
		out.Candidate = &resource.CandidatePath{Name: t.Name, Color: int64(t.Color), Endpoint: t.Endpoint.String(),
			Distinguisher: int64(t.Distinguisher), Preference: int64(t.Preference.Value)}
	}
	switch {
	case s.Unknown != "" && s.Told != nil:
		out.Message = "it stands as it was told before, as " + s.Unknown
	case s.Unknown != "":
		out.Message = s.Unknown
	}
	return out
}

func verdict(v report.Verdict) resource.ConditionStatus {
	switch v {
	case report.Yes:
		return resource.True
	case report.No:
		return resource.False
	}
	return resource.Unknown
}

// toldByBGP is a line about a path of which its headend was told by BGP.
func toldByBGP(p *resource.PathStatus) string {
	told := "was not told"
	if c := p.SRPolicy.Candidate; c != nil {
		told = fmt.Sprintf("was told by BGP as candidate path %s of color %d, endpoint %v, distinguisher %d, preference %d", c.Name, c.Color, c.Endpoint, c.Distinguisher, c.Preference)
	}
	line := fmt.Sprintf("path %s at headend %s %s; held is %s, active is %s", p.Name, p.Headend, told, p.SRPolicy.Held, p.SRPolicy.Active)
	if p.SRPolicy.Message != "" {
		line += ": " + p.SRPolicy.Message
	}
	return line
}
