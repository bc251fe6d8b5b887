package online

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/keiro-net/keiro/cmd/keiro/cli/command"
	"github.com/keiro-net/keiro/cmd/keiro/cli/online/page"
	"github.com/keiro-net/keiro/cmd/keiro/cli/output"
	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/topology/strictyaml"
)

// stream prints one value after the other: a line each, a line of JSON each, or
// a YAML document each.
type stream struct {
	env    *command.Env
	format output.Format
	query  resource.EventQuery // what is printed, Limit aside
}

func (s *stream) print(data any, line string) error {
	text := []byte(line + "\n")
	if s.format == output.JSON || s.format == output.YAML {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(data); err != nil {
			return err
		}
		text = b.Bytes()
	}
	if s.format == output.YAML {
		document, err := strictyaml.FromJSON(text)
		if err != nil {
			return err
		}
		text = append([]byte("---\n"), document...)
	}
	_, err := s.env.Stdout.Write(text)
	return err
}

func (s *stream) events(events []resource.Event) error {
	for i := range events {
		if err := s.print(&events[i], page.Event(&events[i])); err != nil {
			return err
		}
	}
	return nil
}

// follow prints every event after last, each once, until ctx ends. What
// happened before the watch stood, or while it was broken, is read from the
// log.
func (s *stream) follow(ctx context.Context, c *client.Client, last uint64) error {
	for change, err := range c.Watch(ctx) {
		var events []resource.Event
		switch {
		case ctx.Err() != nil:
			return nil // asked to end
		case err != nil:
			return err
		case change.Kind == resource.Synced:
			query := s.query
			query.After, query.Limit = last, maxEvents
			if events, err = c.History(ctx, query); err != nil {
				return err
			}
		case change.Kind == resource.EventChange:
			events = []resource.Event{*change.Event}
		}
		for i := range events {
			if events[i].ID <= last || !s.query.Takes(&events[i]) {
				continue
			}
			last = events[i].ID
			if err := s.events(events[i : i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}
