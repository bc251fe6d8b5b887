package quantum

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/keys/qkd"
)

// File is what an operator says of the KME of this node's site (docs/qkd.md).
type File struct {
	URL         string            `json:"url"`         // https://HOST[:PORT]
	KME         string            `json:"kme"`         // its KME ID, which its certificate carries
	SAE         string            `json:"sae"`         // ours, as in our certificate; "": the node's name
	CA          string            `json:"ca"`          // PEM file of the authorities that vouch for the KME
	Certificate string            `json:"certificate"` // PEM file, ours
	Key         string            `json:"key"`         // PEM file, its private key
	Peers       map[string]string `json:"peers"`       // SAE ID by node, where it is not the node's name
	GET         bool              `json:"get"`         // see qkd.Config
	// Times, written as 10s or 30m.
	Poll   string `json:"poll"`   // between two questions for the stores; "": 10 s
	Low    string `json:"low"`    // a store that lasts less is drained; "": 15 epochs
	Enough string `json:"enough"` // until it lasts that long again; "": twice Low

	name              string // of the file
	poll, low, enough time.Duration
}

const maxFile = 1 << 20

// Load reads a File: JSON, without a key that nobody knows and none twice. All
// that is wrong with it is one error, which names file and field. Other files
// that it names are looked for where it is. Node is who we are.
func Load(name, node string) (*File, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("description of the KME: %w", err)
	}
	f, err := parse(name, data)
	if err != nil {
		return nil, err
	}
	if f.SAE == "" {
		f.SAE = node
	}
	for _, path := range []*string{&f.CA, &f.Certificate, &f.Key} {
		if !filepath.IsAbs(*path) {
			*path = filepath.Join(filepath.Dir(name), *path)
		}
	}
	return f, nil
}

func parse(name string, data []byte) (*File, error) {
	f := &File{name: name}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: more than 1 MiB, which is no description of a KME", name)
	}
	if err := once(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(f); err != nil {
		var other *json.UnmarshalTypeError
		if errors.As(err, &other) {
			return nil, fmt.Errorf("%s: %s: want %s, found %s", name, other.Field, other.Type, other.Value)
		}
		return nil, fmt.Errorf("%s: %s", name, strings.TrimPrefix(err.Error(), "json: "))
	}
	var errs []error
	for _, field := range []struct{ name, value string }{
		{"url", f.URL}, {"kme", f.KME}, {"ca", f.CA}, {"certificate", f.Certificate}, {"key", f.Key},
	} {
		if field.value == "" {
			errs = append(errs, fmt.Errorf("%s: %s: is missing", name, field.name))
		}
	}
	for _, node := range slices.Sorted(maps.Keys(f.Peers)) {
		if node == "" || f.Peers[node] == "" {
			errs = append(errs, fmt.Errorf("%s: peers.%s: want the name of a node and its SAE ID", name, node))
		}
	}
	for _, field := range []struct {
		name, text string
		into       *time.Duration
	}{{"poll", f.Poll, &f.poll}, {"low", f.Low, &f.low}, {"enough", f.Enough, &f.enough}} {
		var err error
		if field.text == "" {
			continue
		}
		if *field.into, err = time.ParseDuration(field.text); err != nil || *field.into < time.Millisecond {
			errs = append(errs, fmt.Errorf("%s: %s: bad time %.40q: want one such as 30m", name, field.name, field.text))
		}
	}
	return f, errors.Join(errs...)
}

// fields are the keys of a File.
var fields = func() map[string]bool {
	names := make(map[string]bool)
	for i, t := 0, reflect.TypeFor[File](); i < t.NumField(); i++ {
		if name := t.Field(i).Tag.Get("json"); name != "" {
			names[name] = true
		}
	}
	return names
}()

// once refuses what package json would read in silence: a key twice in an
// object, of which it takes the last; a key of ours in capitals, which it takes
// for the same; and anything behind the first value.
func once(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	var open []map[string]bool // keys of the objects around; nil: an array
	key := false               // the next token is one
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return errors.New("not JSON: it ends too early")
		}
		if err != nil {
			return fmt.Errorf("not JSON: %w", err)
		}
		inObject := len(open) > 0 && open[len(open)-1] != nil
		if text, ok := token.(string); ok && inObject && key {
			if len(open) == 1 && !fields[text] {
				return fmt.Errorf("unknown field %.60q", text)
			}
			if open[len(open)-1][text] {
				return fmt.Errorf("%.60s: is there twice", text)
			}
			open[len(open)-1][text], key = true, false
			continue
		}
		switch token {
		case json.Delim('{'):
			open, key = append(open, map[string]bool{}), true
			continue
		case json.Delim('['):
			open, key = append(open, nil), false
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) == 0 {
			if d.More() {
				return fmt.Errorf("something follows after byte %d, where the description ends", d.InputOffset())
			}
			return nil
		}
		key = open[len(open)-1] != nil
	}
}

// client makes the client that the file describes.
func (f *File) client() (*qkd.Client, error) {
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("%s: ca: %w", f.name, err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: ca: no certificate in %s", f.name, f.CA)
	}
	ours := &pair{certificate: f.Certificate, key: f.Key}
	if _, err := ours.load(); err != nil {
		return nil, fmt.Errorf("%s: certificate, key: %w", f.name, err)
	}
	c, err := qkd.New(qkd.Config{
		URL: f.URL, KME: f.KME, SAE: f.SAE, GET: f.GET, Timeout: patience,
		TLS: &tls.Config{RootCAs: authorities, GetClientCertificate: ours.get},
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return c, nil
}

// sae is the SAE ID of a peer.
func (f *File) sae(node string) string {
	if id, ok := f.Peers[node]; ok {
		return id
	}
	return node
}
