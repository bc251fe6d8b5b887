package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/keiro-net/keiro/controller/api/resource"
)

const (
	maxLine   = 16 << 20         // of a stream, bytes
	silence   = 45 * time.Second // three heartbeats: the connection is dead
	firstWait = 100 * time.Millisecond
	lastWait  = 5 * time.Second
)

// Watch yields a snapshot, which ends with Synced, and then all that changes.
// A lost connection is made anew, and the watch resumes where it was; where it
// cannot, it yields Resync and another snapshot. It ends when ctx does, when
// the reader stops, or with the error by which the controller refuses it.
func (c *Client) Watch(ctx context.Context) iter.Seq2[resource.Change, error] {
	return func(yield func(resource.Change, error) bool) {
		var last string // "": no snapshot was read to its end
		wait := firstWait
		connected := false // once at least
		partial := false   // a snapshot was begun and not ended
		for {
			err := c.follow(ctx, last, func(change resource.Change) bool {
				if change.ID != "" {
					last = change.ID
				}
				connected, partial, wait = true, last == "", firstWait
				return yield(change, nil)
			})
			var refused *resource.Error
			switch {
			case errors.Is(err, errStopped):
				return
			case ctx.Err() != nil:
				yield(resource.Change{}, ctx.Err())
				return
			case errors.As(err, &refused) && refused.Kind != resource.Unavailable, !connected:
				yield(resource.Change{}, err)
				return
			}
			if partial {
				if !yield(resource.Change{Kind: resource.Resync}, nil) {
					return
				}
				partial = false
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			wait = min(2*wait, lastWait)
		}
	}
}

var errStopped = errors.New("the reader stopped")

// follow reads one connection until it breaks.
func (c *Client) follow(ctx context.Context, last string, told func(resource.Change) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.request(ctx, http.MethodGet, v1+"watch", "", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream")
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	resp, err := c.do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxLine)
	for {
		change, err := readEvent(lines, func() { watchdog.Reset(silence) })
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		if !told(change) {
			return errStopped
		}
	}
}

// readEvent reads one event of a stream, as in the HTML standard, section
// 9.2.6. Comments and fields it does not know mean nothing. alive is called
// for every line.
func readEvent(lines *bufio.Scanner, alive func()) (resource.Change, error) {
	var id, data string
	for lines.Scan() {
		alive()
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "id":
			id = value
		case field == "data":
			data += value
		case lines.Text() == "" && data != "":
			change := resource.Change{}
			if err := json.Unmarshal([]byte(data), &change); err != nil {
				return change, fmt.Errorf("bad event: %w", err)
			}
			change.ID = id
			return change, nil
		}
	}
	if err := lines.Err(); err != nil {
		return resource.Change{}, err
	}
	return resource.Change{}, io.ErrUnexpectedEOF
}
