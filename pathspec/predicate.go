package pathspec

import (
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"

	"github.com/keiro-net/keiro/topology"
)

// Predicate is a compiled CEL condition on a node or a link. A value that is
// missing or unknown is an error of the evaluation, and an error is no: the
// condition does not hold, negated or not, unless what is known decides it
// (CEL absorbs errors beside `false &&` and `true ||`). nil always holds.
type Predicate struct {
	text    string
	program cel.Program
}

// The bounds of a condition: bytes of text, and steps of an evaluation as CEL
// counts them. One that takes more steps does not hold.
const (
	maxPredicate     = 4096
	maxPredicateCost = 100_000
)

var (
	labelsType = cel.MapType(cel.StringType, cel.StringType)

	nodeVariables = []cel.EnvOption{
		cel.Variable("node.name", cel.StringType),
		cel.Variable("node.site", cel.StringType),
		cel.Variable("node.country", cel.StringType),
		cel.Variable("node.region", cel.StringType),
		cel.Variable("node.operator", cel.StringType),
		cel.Variable("node.labels", labelsType),
		cel.Variable("node.evidence", cel.IntType),
	}
	linkVariables = []cel.EnvOption{
		cel.Variable("link.name", cel.StringType),
		cel.Variable("link.operator", cel.StringType),
		cel.Variable("link.capacity_bps", cel.IntType),
		cel.Variable("link.delay_us", cel.IntType),
		cel.Variable("link.metric", cel.IntType),
		cel.Variable("link.srlgs", cel.ListType(cel.StringType)),
		cel.Variable("link.qkd", cel.BoolType),
		cel.Variable("link.labels", labelsType),
	}
)

// CompileNodes compiles a condition on nodes, over node.{name,site,country,
// region,operator,labels,evidence}.
func CompileNodes(text string) (*Predicate, error) { return compile(text, nodeVariables) }

// CompileLinks compiles a condition on links, over link.{name,operator,
// capacity_bps,delay_us,metric,srlgs,qkd,labels}.
func CompileLinks(text string) (*Predicate, error) { return compile(text, linkVariables) }

func compile(text string, variables []cel.EnvOption) (*Predicate, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("bad condition: empty")
	}
	if len(text) > maxPredicate {
		return nil, fmt.Errorf("bad condition: %d bytes, the limit is %d", len(text), maxPredicate)
	}
	env, err := cel.NewEnv(variables...)
	if err != nil {
		return nil, fmt.Errorf("CEL environment: %w", err)
	}
	ast, issues := env.Compile(text)
	if errs := issues.Errors(); len(errs) > 0 {
		message, _, _ := strings.Cut(errs[0].Message, " expecting {") // a list of all tokens there are
		switch at := errs[0].Location; {
		case at.Column() < 0:
			return nil, fmt.Errorf("bad condition: %s", message)
		case at.Line() > 1:
			return nil, fmt.Errorf("bad condition, line %d, column %d of it: %s", at.Line(), at.Column()+1, message)
		default:
			return nil, fmt.Errorf("bad condition, column %d: %s", at.Column()+1, message)
		}
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("bad condition: want one that is true or false, this is of type %s", ast.OutputType())
	}
	program, err := env.Program(ast, cel.CostLimit(maxPredicateCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, fmt.Errorf("bad condition: %w", err)
	}
	return &Predicate{text: text, program: program}, nil
}

// String is the condition as it was written.
func (p *Predicate) String() string {
	if p == nil {
		return ""
	}
	return p.text
}

// Node reports whether the condition holds for node n.
func (p *Predicate) Node(t *topology.Topology, n int) bool {
	return p == nil || p.holds(nodeValues{t, n})
}

// Link reports whether the condition holds for t.Links[l].
func (p *Predicate) Link(t *topology.Topology, l int) bool {
	return p == nil || p.holds(linkValues{t, l})
}

func (p *Predicate) holds(values cel.Activation) bool {
	value, _, err := p.program.Eval(values)
	return err == nil && value.Value() == true
}

// nodeValues resolves the names of a condition on a node.
type nodeValues struct {
	t *topology.Topology
	n int
}

// Parent is part of cel.Activation.
func (nodeValues) Parent() cel.Activation { return nil }

// ResolveName gives the value of a name; false where it is unknown.
func (v nodeValues) ResolveName(name string) (any, bool) {
	node, site := &v.t.Nodes[v.n], v.t.SiteOf(v.n)
	switch name {
	case "node.name":
		return node.Name, true
	case "node.site":
		return node.Site, node.Site != ""
	case "node.country":
		return v.t.Country(v.n), v.t.Country(v.n) != ""
	case "node.region":
		if site != nil {
			return site.Region, site.Region != ""
		}
	case "node.operator":
		return node.Operator, node.Operator != ""
	case "node.labels":
		return node.Labels, true
	case "node.evidence":
		return node.Evidence.Get()
	}
	return nil, false
}

// linkValues resolves the names of a condition on a link.
type linkValues struct {
	t *topology.Topology
	l int
}

// Parent is part of cel.Activation.
func (linkValues) Parent() cel.Activation { return nil }

// ResolveName gives the value of a name; false where it is unknown.
func (v linkValues) ResolveName(name string) (any, bool) {
	link := &v.t.Links[v.l]
	entry := &v.t.Entries[link.Entry]
	switch name {
	case "link.name":
		return entry.Name, true
	case "link.operator":
		return entry.Operator, entry.Operator != ""
	case "link.capacity_bps":
		capacity, ok := link.Capacity.Get()
		return int64(capacity), ok
	case "link.delay_us":
		delay, ok := link.Delay.Get()
		return int64(delay), ok
	case "link.metric":
		return link.Metric, true
	case "link.srlgs":
		return entry.SRLGs.Get()
	case "link.qkd":
		return entry.QKD, true
	case "link.labels":
		return entry.Labels, true
	}
	return nil, false
}
