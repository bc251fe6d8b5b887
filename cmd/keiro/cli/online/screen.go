package online

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
)

// screen shows the intents and, below, the latest events.
type screen struct {
	env     *command.Env
	format  output.Format
	once    bool
	intents map[string]*resource.Intent
	events  []resource.Event
	synced  bool
}

// heard is what the watch yields.
type heard struct {
	change resource.Change
	err    error
}

// run draws until ctx ends: after every change, but not between changes that
// have arrived already; and every second, for the ages.
func (s *screen) run(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	if s.events, err = c.Events(ctx, 0, maxEvents/10); err != nil {
		return err
	}
	changes := make(chan heard, 256)
	go func() {
		defer close(changes)
		for change, err := range c.Watch(ctx) {
			select {
			case changes <- heard{change, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	if !s.once {
		fmt.Fprint(s.env.Stdout, "\x1b[2J") // ED, ECMA-48 section 8.3.39
	}
	for {
		select {
		case h, open := <-changes:
			switch {
			case !open || ctx.Err() != nil:
				return nil // asked to end
			case h.err != nil:
				return h.err
			}
			s.hear(h.change)
			if len(changes) > 0 {
				continue
			}
		case <-tick.C:
		}
		if !s.synced {
			continue
		}
		if err := s.draw(); err != nil || s.once {
			return err
		}
	}
}

func (s *screen) hear(c resource.Change) {
	switch c.Kind {
	case resource.Synced:
		s.synced = true
	case resource.Resync:
		s.synced = false
		clear(s.intents)
	case resource.IntentChange:
		if c.Op == resource.Removed {
			delete(s.intents, c.Intent.Metadata.Name)
		} else {
			s.intents[c.Intent.Metadata.Name] = c.Intent
		}
	case resource.EventChange:
		if n := len(s.events); n == 0 || c.Event.ID > s.events[n-1].ID {
			s.events = append(s.events, *c.Event)
			s.events = s.events[max(0, len(s.events)-maxEvents):]
		}
	}
}

// draw writes the whole screen in one piece, over what is there, so that it
// does not flicker.
func (s *screen) draw() error {
	width, height := s.env.Size()
	var b bytes.Buffer
	printer := s.env.Printer()
	printer.Out = &b
	err := printer.Print(s.format, nil, func(t *output.Text) {
		var intents []resource.Intent
		for _, name := range slices.Sorted(maps.Keys(s.intents)) {
			intents = append(intents, *s.intents[name])
		}
		page.Intents(t, s.env.Now(), intents)
		t.Printf("\n")
	})
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(b.String(), "\n")+"\n", "\n")
	room := max(height-1-len(lines), 3)
	for i := range s.events[max(0, len(s.events)-room):] {
		lines = append(lines, page.Event(&s.events[max(0, len(s.events)-room)+i]))
	}
	if s.once {
		_, err = fmt.Fprintln(s.env.Stdout, strings.Join(lines, "\n"))
		return err
	}
	b.Reset()
	b.WriteString("\x1b[H") // CUP, ECMA-48 section 8.3.21
	for _, line := range lines[:min(len(lines), max(height-1, 1))] {
		b.WriteString(output.Clip(line, width) + "\x1b[K\n") // EL, section 8.3.41
	}
	b.WriteString("\x1b[J")
	_, err = s.env.Stdout.Write(b.Bytes())
	return err
}
