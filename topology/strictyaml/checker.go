package strictyaml

import "strings"

// Checker collects what is wrong with a document beyond its form: the
// mistakes of decoding, then those of meaning that its user finds.
type Checker struct {
	Errors Errors

	doc   *Document
	wrong map[string]bool // paths whose value could not even be decoded
}

// Check decodes the document and returns a Checker for what was decoded.
func (d *Document) Check(into any) *Checker {
	c := &Checker{Errors: d.Decode(into), doc: d, wrong: map[string]bool{}}
	for _, e := range c.Errors {
		c.wrong[e.Path] = true
	}
	return c
}

// Fail reports a mistake, unless the value at the path, or what holds it, is
// known to be wrong.
func (c *Checker) Fail(path, format string, args ...any) {
	if len(c.Errors) > maxErrors {
		return
	}
	for at := path; at != ""; at = at[:max(0, strings.LastIndexAny(at, ".["))] {
		if c.wrong[at] {
			return
		}
	}
	c.Errors.Add(c.doc.Errorf(path, format, args...))
}

// Check reports an error that is not nil.
func (c *Checker) Check(path string, err error) {
	if err != nil {
		c.Fail(path, "%v", err)
	}
}

// Decode reads a part of the document that was left for later.
func (c *Checker) Decode(v Value, into any) {
	for _, e := range v.Decode(into) {
		c.Errors.Add(e)
		c.wrong[e.Path] = true
	}
}

// Line is the line of a path of the document.
func (c *Checker) Line(path string) int { return c.doc.Line(path) }
