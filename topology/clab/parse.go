package clab

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// Parse reads a containerlab file, with env as the environment that variables
// in it stand for. What cannot run without containers (another kind than
// linux, a link that leads out of the lab) is an error as well. All mistakes
// are returned at once, as strictyaml.Errors.
func Parse(file string, data []byte, env func(string) (string, bool)) (*File, error) {
	r := read(file, data, env)
	if err := append(r.Errors, r.cannot...).Err(); err != nil {
		return nil, err
	}
	return r.file, nil
}

// Import reads no more of a containerlab file than its topology, of whatever
// kinds its nodes are. Links that lead out of the lab are left out.
func Import(file string, data []byte, env func(string) (string, bool)) (*topology.Topology, error) {
	r := read(file, data, env)
	if err := r.Errors.Err(); err != nil {
		return nil, err
	}
	return r.file.Topology()
}

// reader makes a File of a document.
type reader struct {
	*strictyaml.Checker
	cannot strictyaml.Errors // what only containerlab can run
	doc    fileDoc
	source *strictyaml.Document
	file   *File
	ports  map[string]string // interfaces in use, and the path of the link
}

var (
	labName  = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)
	nodeName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._|-]*$`)
)

func read(file string, data []byte, env func(string) (string, bool)) *reader {
	r := &reader{Checker: &strictyaml.Checker{}, file: &File{}, ports: map[string]string{}}
	if at := bytes.Index(data, []byte("{{")); at >= 0 {
		r.Errors.Add(strictyaml.Error{
			File: file, Line: 1 + bytes.Count(data[:at], []byte("\n")),
			Msg: "a Go template ({{ }}) is not supported: write out what it makes",
		})
		return r
	}
	data, r.Errors = expand(file, data, env)
	if len(r.Errors) > 0 {
		return r
	}
	docs, errs := strictyaml.Lenient(file, data)
	if len(errs) == 0 && len(docs) != 1 {
		errs.Add(strictyaml.Error{File: file, Msg: fmt.Sprintf("want one document, found %d", len(docs))})
	}
	if len(errs) > 0 {
		r.Errors = errs
		return r
	}
	r.source = docs[0]
	r.Checker = r.source.Check(&r.doc)
	r.file = &File{Name: r.doc.Name, Prefix: "clab", doc: r.source}
	if !labName.MatchString(r.doc.Name) {
		r.Fail("name", "bad name %.80q: want letters, digits, '.', '_' and '-', the first a letter or digit", r.doc.Name)
	}
	if p := r.doc.Prefix; p != nil {
		if r.file.Prefix = *p; *p != "" && *p != "__lab-name" && !labName.MatchString(*p) {
			r.Fail("prefix", "bad prefix %.80q: want letters, digits, '.', '_' and '-', the first a letter or digit", *p)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.doc.Topology.Nodes)) {
		r.node(name)
	}
	for i := range r.doc.Topology.Links {
		r.link(r.doc.Topology.Links[i])
	}
	r.stages()
	r.nameLinks()
	return r
}

// cannotRun reports what is no mistake, but needs containerlab.
func (r *reader) cannotRun(path, format string, args ...any) {
	r.cannot.Add(r.source.Errorf(path, format, args...))
}

func (r *reader) node(name string) {
	at := strictyaml.Key("topology.nodes", name)
	if !nodeName.MatchString(name) {
		r.Fail(at, "bad name: want letters, digits, '.', '_', '|' and '-', the first a letter or digit")
	}
	n := r.resolve(name)
	switch {
	case n.Kind == "":
		r.Fail(at+".kind", "missing: no kind is given here, for its group or in defaults")
	case n.Kind != "linux":
		r.cannotRun(at+".kind", "kind %.80s needs containerlab: only linux nodes run without containers", n.Kind)
	}
	for _, bind := range n.Binds {
		if _, ok := bindDestination(bind); !ok {
			r.Fail(at+".binds", "bad bind %.80q: want source:destination or source:destination:options", bind)
		}
	}
	r.file.Nodes = append(r.file.Nodes, n)
}

// stages checks the one part of a node that has two forms.
func (r *reader) stages() {
	check := func(n *nodeDoc) {
		if n == nil || n.Stages == nil {
			return
		}
		for _, s := range []stageDoc{n.Stages.Create, n.Stages.CreateLinks, n.Stages.Configure, n.Stages.Healthy, n.Stages.Exit} {
			switch {
			case s.Exec.IsList():
				var commands []stageCommandDoc
				r.Decode(s.Exec, &commands)
			case s.Exec.Present():
				var commands stageExecDoc
				r.Decode(s.Exec, &commands)
			}
		}
	}
	check(r.doc.Topology.Defaults)
	for _, level := range []map[string]*nodeDoc{r.doc.Topology.Kinds, r.doc.Topology.Groups, r.doc.Topology.Nodes} {
		for _, name := range slices.Sorted(maps.Keys(level)) {
			check(level[name])
		}
	}
}

// nameLinks gives every link the name that the topology knows it by.
func (r *reader) nameLinks() {
	first := map[string]string{}
	for _, l := range r.file.Links {
		if path, twice := first[l.Traits.Name]; twice {
			r.Fail(l.path+".vars.name", "link %s stands twice: first on line %d", l.Traits.Name, r.Line(path))
		}
		if l.Traits.Name != "" {
			first[l.Traits.Name] = l.path + ".vars.name"
		}
	}
	for i, name := range linkNames(r.file.Links) {
		r.file.Links[i].Traits.Name = name
	}
}

func linkNames(links []Link) []string {
	given, ends := make([]string, len(links)), make([][2]string, len(links))
	for i, l := range links {
		given[i], ends[i] = l.Traits.Name, [2]string{l.A.Node, l.B.Node}
	}
	return topology.LinkNames(given, ends)
}

// magic are the variables of containerlab itself that need no lab directory.
func (r *reader) magic(node string) *strings.Replacer {
	return strings.NewReplacer("__clabNodeName__", node, "__clabLabName__", "clab-"+r.doc.Name)
}
