package foreign

import (
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/keiro-net/keiro/topology"
)

// maxBase leaves room in a name for a number, and in the name of a link for the
// number of a parallel.
const maxBase = topology.MaxNameLen - 15

// The Latin letters with marks that names of places have, and what stands for
// each where only ASCII may.
var plainLetters = strings.NewReplacer(pairs(`
À A Á A Â A Ã A Ä A Å A Æ AE Ç C È E É E Ê E Ë E Ì I Í I Î I Ï I Ð D Ñ N Ò O Ó O Ô O Õ O Ö O Ø O Ù U Ú U Û U Ü U Ý Y Þ Th ß ss
à a á a â a ã a ä a å a æ ae ç c è e é e ê e ë e ì i í i î i ï i ð d ñ n ò o ó o ô o õ o ö o ø o ù u ú u û u ü u ý y þ th ÿ y
Ā A ā a Ă A ă a Ą A ą a Ć C ć c Č C č c Ď D ď d Đ D đ d Ē E ē e Ė E ė e Ę E ę e Ě E ě e Ğ G ğ g Ģ G ģ g Ī I ī i İ I ı i Ķ K ķ k
Ĺ L ĺ l Ľ L ľ l Ł L ł l Ń N ń n Ņ N ņ n Ň N ň n Ō O ō o Ő O ő o Œ OE œ oe Ř R ř r Ś S ś s Ş S ş s Š S š s Ș S ș s Ţ T ţ t Ț T ț t
Ť T ť t Ū U ū u Ů U ů u Ű U ű u Ų U ų u Ÿ Y Ź Z ź z Ż Z ż z Ž Z ž z`)...)

func pairs(s string) []string { return strings.Fields(s) }

// clean makes a legal name of a label; "" where nothing of it is left. Runs of
// what may not stand in a name become one '-'.
func clean(label string) string {
	if len(label) > 8*topology.MaxNameLen {
		label = label[:8*topology.MaxNameLen]
	}
	var b strings.Builder
	for _, r := range plainLetters.Replace(label) {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.TrimLeft(b.String(), "._-")
	return strings.TrimRight(name[:min(len(name), maxBase)], "._-")
}

// printable is the label without what no text may hold, and not too long.
func printable(label string) string {
	label = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, label[:min(len(label), 255)])
	for len(label) > 255 {
		_, size := utf8.DecodeLastRuneInString(label)
		label = label[:len(label)-size]
	}
	return strings.TrimSpace(label)
}

// namer hands out names that nobody else has.
type namer struct {
	taken map[string]bool
	last  map[string]int // number last given to a name
}

func newNamer() *namer { return &namer{taken: map[string]bool{}, last: map[string]int{}} }

// take returns the name, or the first of name-2, name-3 and so on that is free.
func (n *namer) take(name string) string {
	free := name
	for n.taken[free] {
		n.last[name]++
		free = name + "-" + strconv.Itoa(1+n.last[name])
	}
	n.taken[free] = true
	return free
}

// nodeNames names the nodes by their labels. Labels that several nodes have get
// the key of each, so that none of them passes for the only one.
func (g *Graph) nodeNames(namer *namer) []string {
	names := make([]string, len(g.Nodes))
	count := map[string]int{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if !n.Junction {
			names[i] = clean(n.Label)
		}
		if names[i] != "" {
			count[names[i]]++
		}
	}
	for _, name := range names {
		if count[name] == 1 {
			namer.taken[name] = true
		}
	}
	for i := range g.Nodes {
		n, name := &g.Nodes[i], names[i]
		switch {
		case count[name] == 1:
			continue
		case name != "":
			g.Report.Add("labels of several nodes, told apart by their id", n.Label)
		case n.Junction:
			name = "junction"
		default:
			name = "node"
			g.Report.Add("nodes without a usable label, named by their id", n.Key)
		}
		key := clean(n.Key)
		if key != "" {
			key = "-" + key
		}
		name = strings.TrimRight(name[:min(len(name), max(1, maxBase-len(key)))], "._-")
		names[i] = namer.take(name + key)
	}
	return names
}

// name is that of the topology: what the file calls its network, or else the
// file itself.
func (g *Graph) name() string {
	base, _, _ := strings.Cut(path.Base(strings.ReplaceAll(g.source, `\`, "/")), ".")
	for _, s := range []string{g.Name, base} {
		if name := clean(s); name != "" {
			return name
		}
	}
	return "imported"
}
