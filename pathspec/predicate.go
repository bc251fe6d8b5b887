package pathspec

// Predicate is a compiled CEL condition on a node or a link.
type Predicate struct {
	text string
}
