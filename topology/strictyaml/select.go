package strictyaml

import "strings"

// Select returns the documents of one kind. Those of the other kinds that may
// stand in the same file are left to their own readers; what is neither, and
// every version but the given one, is an error.
func Select(docs []*Document, apiVersion, kind string, others ...string) ([]*Document, Errors) {
	var selected []*Document
	var errs Errors
next:
	for _, d := range docs {
		switch {
		case d.APIVersion == "":
			errs.Add(d.Errorf("apiVersion", "missing: want %s", apiVersion))
			continue
		case d.APIVersion != apiVersion:
			errs.Add(d.Errorf("apiVersion", "unknown version %.80q: want %s", d.APIVersion, apiVersion))
			continue
		case d.Kind == kind:
			selected = append(selected, d)
			continue
		}
		for _, other := range others {
			if d.Kind == other {
				continue next
			}
		}
		errs.Add(d.Errorf("kind", "unknown kind %.80q: want %s", d.Kind, strings.Join(append([]string{kind}, others...), " or ")))
	}
	return selected, errs
}
