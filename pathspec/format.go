package pathspec

import (
	"slices"

	"github.com/keiro-net/keiro/topology"
)

// document is the file form, without what Parse fills in by itself.
func (in *Intent) document() document {
	r := &in.Require
	d := document{
		APIVersion: topology.APIVersion, Kind: DocumentKind,
		Metadata: metadataDoc{Name: in.Name, Labels: in.Labels},
		Spec: specDoc{
			From: in.From, To: in.To, Priority: in.Priority,
			Mode: in.Mode, Weights: in.Weights,
			Objective: in.Objective, OnViolation: in.OnViolation,
			Require: requireDoc{
				Multiplicity:     unless(r.Multiplicity, 1),
				Separation:       unless(r.Separation, 0),
				SeparationExcept: unless(r.SeparationExcept, 0),
				Bandwidth:        unless(r.Bandwidth, 0),
				MaxDelay:         unless(r.MaxDelay, 0),
				MaxDelaySpread:   r.MaxDelaySpread,
				MaxHops:          unless(r.MaxHops, 0),
				Countries:        countriesDoc(r.Countries),
				Avoid:            avoidDoc(r.Avoid),
				Nodes:            unless(r.Nodes.String(), ""),
				Links:            unless(r.Links.String(), ""),
				Encryption:       r.Encryption,
			},
		},
	}
	for _, s := range in.Traffic {
		d.Spec.Traffic = append(d.Spec.Traffic, selectorDoc{From: prefix{s.From}, To: prefix{s.To}})
	}
	if r.Multiplicity == 1 || !slices.Equal(r.Disjoint, []Kind{Link}) {
		d.Spec.Require.Disjoint = r.Disjoint
	}
	return d
}

// unless is nil for the value that a file need not state.
func unless[T comparable](v, unstated T) *T {
	if v == unstated {
		return nil
	}
	return &v
}
