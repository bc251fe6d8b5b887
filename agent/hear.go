package agent

import (
	"context"
	"errors"
	"fmt"

	"github.com/keiro-net/keiro/agent/nodecfg"
)

// hear takes a message of the controller.
func (l *loop) hear(ctx context.Context, m nodecfg.ToAgent) {
	switch {
	case m.Config != nil:
		if taken, err := l.acceptable(m.Config); err != nil {
			l.refuse(fmt.Sprintf("config revision %d", m.Config.Revision), err)
		} else {
			l.refused = nil
			l.obey(taken)
			l.keep(m.Config)
		}
		l.sent = nil // an answer in any case
		l.report(false)
	case m.Trace != nil:
		l.trace(ctx, *m.Trace)
	case m.Rotate != nil:
		r := nodecfg.RotateResult{ID: m.Rotate.ID, Error: "this agent keeps no lanes"}
		if l.Lanes != nil {
			r = l.Lanes.Rotate(*m.Rotate)
		}
		l.answers = append(l.answers, nodecfg.FromAgent{Rotate: &r})
	}
}

// acceptable takes a Config in, or says what is wrong with it.
func (l *loop) acceptable(cfg *nodecfg.Config) (*taken, error) {
	if cfg.Node != l.Node {
		return nil, fmt.Errorf("is for node %q, this is %q", cfg.Node, l.Node)
	}
	if l.cfg != nil && cfg.Revision < l.cfg.Revision {
		return nil, fmt.Errorf("is older than revision %d, which is obeyed", l.cfg.Revision)
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return l.take(cfg)
}

func (l *loop) refuse(what string, err error) {
	l.Log.Error("config refused", "what", what, "error", err)
	l.refused = &nodecfg.ObjectError{Object: what, Error: err.Error()}
}

func (l *loop) obey(t *taken) {
	l.raise(t)
	cfg := t.cfg
	l.vacate(cfg)
	l.cfg, l.given, l.faults, l.unsteered, l.offDue, l.offFailed = cfg, t.given, t.faults, t.unsteered, nil, nil
	clear(l.failures)
	l.watch.Mind(cfg.Desired(nil))
	if l.Lanes != nil {
		if cfg.HasLanes() {
			l.leftOut = l.leaveOut()
			l.want = l.desired()
			l.apply(nodecfg.BeforeLanes(l.observe()))
		}
		l.Lanes.Set(cfg, l.floors.Lowered())
	}
	l.leftOut = l.leaveOut()
	l.want = l.desired()
	l.converge()
	l.Prober.Set(cfg)
	l.prove(cfg)
}

func (l *loop) trace(ctx context.Context, req nodecfg.TraceRequest) {
	var err error
	switch {
	case l.cfg == nil:
		err = errors.New("this node has no config yet")
	case l.tracing >= maxTraces:
		err = fmt.Errorf("%d traces are under way: try again in some seconds", l.tracing)
	}
	if err != nil {
		l.answers = append(l.answers, nodecfg.FromAgent{Trace: &nodecfg.TraceResult{ID: req.ID, Error: err.Error()}})
		return
	}
	l.tracing++
	go func(cfg *nodecfg.Config) {
		r := l.Prober.Trace(ctx, cfg, req)
		select {
		case l.traces <- r:
		case <-ctx.Done():
		}
	}(l.cfg)
}
