package kme

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the plays say now into testdata")

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world is a network that serves on loopback, its clock, and its SAEs.
type world struct {
	*Network
	mu    sync.Mutex
	now   time.Time
	ca    *Authority
	urls  map[string]string // by KME ID
	homes map[string]string // of an SAE, its KME ID
}

// chain is four nodes in a row, a ring with a fifth, and SAEs in each.
func chain() Config {
	return Config{
		Seed: 1,
		Nodes: []Node{
			{"A", []string{"alice", "al/ice&co?"}}, {"B", []string{"bob"}}, {"C", []string{"carol"}},
			{"D", []string{"dave"}}, {"E", nil},
		},
		Links: []Link{
			{A: "A", B: "B", Rate: 256, Capacity: 25600, Stored: 2560},
			{A: "B", B: "C", Rate: 256, Capacity: 25600, Stored: 2560},
			{A: "C", B: "D", Rate: 256, Capacity: 25600, Stored: 1280},
			{A: "A", B: "E", Capacity: 512, Stored: 512},
			{A: "E", B: "D", Capacity: 512, Stored: 512},
		},
	}
}

func newWorld(t testing.TB, c Config) *world {
	t.Helper()
	w := &world{now: start, urls: map[string]string{}, homes: map[string]string{}}
	c.Clock = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}
	var err error
	if w.Network, err = New(c); err != nil {
		t.Fatal(err)
	}
	if w.ca, err = NewAuthority(time.Now()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	t.Cleanup(func() { cancel(); served.Wait() })
	for _, node := range c.Nodes {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		w.urls[node.KME] = "https://" + l.Addr().String()
		identity := w.identity(t, node.KME, "127.0.0.1")
		served.Go(func() {
			if err := w.Serve(ctx, node.KME, l, identity); err != nil {
				t.Error(err)
			}
		})
		for _, sae := range node.SAEs {
			w.homes[sae] = node.KME
		}
	}
	return w
}

func (w *world) identity(t testing.TB, id string, hosts ...string) *Identity {
	t.Helper()
	i, err := w.ca.Issue(id, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// Plays are scripts: lines of what is done, and indented below each what comes
// of it. Keys are k1, k2 and so on in the order in which their bytes are
// first seen, their ids #1, #2.
//
//	SAE[@KME] METHOD PATH [BODY]    a request; #1 in it stands for an id
//	wait DURATION                   the clock goes on
//	rate KME KME BITS               of a QKD link, per second
//	misbehave KME [HOW...]          until the next time
//	saw #1                          who held a key
//	stored KME KME                  the bits in store
func TestPlays(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no plays: %v", err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range ar.Files {
			t.Run(f.Name, func(t *testing.T) {
				p := &player{world: newWorld(t, chain()), clients: map[string]*http.Client{}}
				got := p.play(t, string(f.Data))
				if got != string(f.Data) && !*update {
					t.Errorf("got:\n%s\nwant:\n%s", got, f.Data)
				}
				ar.Files[i].Data = []byte(got)
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

type player struct {
	*world
	clients   map[string]*http.Client
	ids, keys []string // in the order first seen
}

func (p *player) play(t *testing.T, script string) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "\t") {
			continue // as it was
		}
		out.WriteString(line)
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if answer := p.step(t, p.fill(line)); answer != "" {
			out.WriteString("\t" + answer + "\n")
		}
	}
	return out.String()
}

var idRef = regexp.MustCompile(`#\d+`)

func (p *player) fill(line string) string {
	return idRef.ReplaceAllStringFunc(line, func(ref string) string {
		var n int
		if _, err := fmt.Sscanf(ref, "#%d", &n); err != nil || n > len(p.ids) {
			return ref
		}
		return p.ids[n-1]
	})
}

func (p *player) step(t *testing.T, line string) string {
	t.Helper()
	words := strings.Fields(line)
	var err error
	switch words[0] {
	case "wait":
		d, e := time.ParseDuration(words[1])
		err = e
		p.wait(d)
	case "rate":
		var rate int64
		if _, err = fmt.Sscan(words[3], &rate); err == nil {
			err = p.SetRate(words[1], words[2], rate)
		}
	case "misbehave":
		var how []Misbehaviour
		for _, word := range words[2:] {
			how = append(how, Misbehaviour(word))
		}
		err = p.Misbehave(words[1], how...)
	case "saw":
		return strings.Join(p.Saw(words[1]), " ")
	case "stored":
		bits, e := p.Stored(words[1], words[2])
		if e == nil {
			return fmt.Sprint(bits)
		}
		err = e
	default:
		return p.request(t, line)
	}
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return ""
}

func (p *player) request(t *testing.T, line string) string {
	t.Helper()
	parts := strings.SplitN(line, " ", 4)
	if len(parts) < 3 {
		t.Fatalf("no such step: %s", line)
	}
	sae, kme, at := strings.Cut(parts[0], "@")
	if !at {
		kme = p.homes[sae]
	}
	if p.clients[sae] == nil {
		p.clients[sae] = &http.Client{
			Transport: &http.Transport{TLSClientConfig: p.identity(t, sae).Client(), DisableKeepAlives: true},
			Timeout:   5 * time.Second,
		}
	}
	body := ""
	if len(parts) == 4 {
		body = parts[3]
	}
	r, err := http.NewRequestWithContext(t.Context(), parts[1], p.urls[kme]+"/api/v1/keys/"+parts[2], strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := p.clients[sae].Do(r)
	if err != nil {
		return "no answer"
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return "half an answer"
	}
	kind := answer.Header.Get("Content-Type")
	if kind != "application/json" && (kind != "" || len(data) > 0) {
		t.Errorf("%s: answer in %q", line, kind)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, p.show(data)))
}

// show writes a container with short names, anything else as it is.
func (p *player) show(data []byte) string {
	var c struct {
		Keys []struct {
			ID  string `json:"key_ID"`
			Key string `json:"key"`
		} `json:"keys"`
	}
	if len(data) > 1<<16 {
		data = append(data[:40:40], "..."...)
	}
	if json.Unmarshal(data, &c) != nil || c.Keys == nil {
		return string(bytes.TrimSpace(data))
	}
	var out []string
	for _, k := range c.Keys {
		raw, err := base64.StdEncoding.DecodeString(k.Key)
		if err != nil {
			return "bad base64"
		}
		out = append(out, fmt.Sprintf("#%d=k%d/%d", index(&p.ids, k.ID), index(&p.keys, k.Key), 8*len(raw)))
	}
	return strings.Join(out, " ")
}

// index is the place of a word in a list, from 1; a new one is added.
func index(list *[]string, word string) int {
	for i, have := range *list {
		if have == word {
			return i + 1
		}
	}
	*list = append(*list, word)
	return len(*list)
}
