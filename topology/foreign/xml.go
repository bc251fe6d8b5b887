package foreign

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// XML walks through the elements of an XML file, one after the other, so that a
// file costs no more memory than what is kept of it. After an error nothing
// more is read; the error is in the Graph.
type XML struct {
	g       *Graph
	decoder *xml.Decoder
	depth   int
	broken  bool
}

// Element is the start of an element.
type Element struct {
	Name string // without the name space
	Line int

	attributes []xml.Attr
}

// Attr is an attribute; "" where it is not given.
func (e *Element) Attr(name string) string {
	for _, a := range e.attributes {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// ReadXML calls read for the root element, which must have the name.
func (g *Graph) ReadXML(data []byte, root string, read func(*XML, *Element)) {
	if len(g.Errors) > 0 {
		return
	}
	x := &XML{g: g, decoder: xml.NewDecoder(bytes.NewReader(data))}
	x.decoder.CharsetReader = charset
	found := false
	x.Children(func(e *Element) {
		switch {
		case e.Name != root:
			x.Stop(e.Line, "want <%s>, found <%.80s>", root, e.Name)
		case found:
			x.Stop(e.Line, "a second <%s>", root)
		default:
			found = true
			read(x, e)
		}
	})
	if !found && !x.broken {
		g.Fail(0, "no <%s>", root)
	}
}

// Stop reports a mistake after which nothing more is read.
func (x *XML) Stop(line int, format string, args ...any) {
	if !x.broken {
		x.g.Fail(line, format, args...)
	}
	x.broken = true
}

// Quit reads nothing more.
func (x *XML) Quit() { x.broken = true }

// Children calls each for every element in the current one. What each does not
// read of its element is skipped.
func (x *XML) Children(each func(*Element)) {
	inside := x.depth
	for {
		token, line := x.token()
		switch token := token.(type) {
		case nil, xml.EndElement: // nil is the end of the file
			return
		case xml.StartElement:
			each(&Element{Name: token.Name.Local, Line: line, attributes: token.Attr})
			for x.depth > inside {
				if token, _ := x.token(); token == nil {
					return
				}
			}
		}
	}
}

// maxText bounds the text of an element.
const maxText = 1 << 16

// Text is the text of the current element, without that of elements in it and
// without white space around it.
func (x *XML) Text() string {
	var b strings.Builder
	inside := x.depth
	for {
		token, line := x.token()
		switch token := token.(type) {
		case nil:
			return ""
		case xml.CharData:
			if b.Len()+len(token) > maxText {
				x.Stop(line, "a text of more than %d bytes", maxText)
			} else if x.depth == inside {
				b.Write(token)
			}
		case xml.EndElement:
			if x.depth < inside {
				return strings.TrimSpace(b.String())
			}
		}
	}
}

// token is the next token and its line; nil at the end and after an error.
func (x *XML) token() (xml.Token, int) {
	if x.broken {
		return nil, 0
	}
	line, _ := x.decoder.InputPos()
	token, err := x.decoder.Token()
	if err != nil {
		var syntax *xml.SyntaxError
		switch {
		case errors.As(err, &syntax):
			x.Stop(syntax.Line, "not XML: %.200s", syntax.Msg)
		case !errors.Is(err, io.EOF):
			x.Stop(line, "not XML: %.200v", err)
		}
		return nil, line
	}
	switch token.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > MaxDepth {
			x.Stop(line, "elements in elements, deeper than %d", MaxDepth)
			return nil, line
		}
	case xml.EndElement:
		x.depth--
	}
	return token, line
}

// charset reads what old files declare instead of UTF-8.
func charset(name string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "iso-8859-1", "iso8859-1", "latin1", "us-ascii", "ascii":
	default:
		return nil, fmt.Errorf("the encoding %.80q is not read: convert the file to UTF-8", name)
	}
	data, err := io.ReadAll(input)
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, len(data))
	for _, c := range data {
		text = utf8.AppendRune(text, rune(c))
	}
	return bytes.NewReader(text), nil
}
