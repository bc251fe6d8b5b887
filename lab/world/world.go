// Package world is a lab with everything in it: a controller beside it and an
// agent in every node, each a process of its own, as in real life. Some nodes may
// be plain routers instead (keiro-lab-router), and the controller may be in a node,
// from which it reaches these by BGP. The demo, the end-to-end tests and the
// benchmarks live in it.
package world

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/keiro-net/keiro/controller/api/client"
	"github.com/keiro-net/keiro/controller/api/resource"
	"github.com/keiro-net/keiro/lab"
	"github.com/keiro-net/keiro/lab/kmes"
	"github.com/keiro-net/keiro/lab/stream"
	"github.com/keiro-net/keiro/topology"
	"github.com/keiro-net/keiro/topology/clab"
)

// Options of Start.
type Options struct {
	File       *clab.File
	Bin        string   // directory of keiro-controller, keiro-agent and keiro-lab-router
	Controller []string // more flags for the controller
	Progress   func(lab.Progress)
	Agent      []string            // more flags for the agents
	AgentOf    map[string][]string // and for that of a node
	KME        kmes.Options        // of the QKD network, where links have one
	Built      func(*lab.Lab)      // called between the lab and the controller; nil: nobody asks
	// Place is the node that the controller is in, which has no agent; "": it is
	// beside the lab. Its API is here either way.
	Place string
	// Routers are the nodes with a router in place of an agent, and RouterFile
	// configures them.
	Routers    []string
	RouterFile string
}

// World is a lab, its controller and its agents.
type World struct {
	Lab    *lab.Lab
	Dir    string // state and logs of all processes
	Client *client.Client
	KMEs   *kmes.KMEs // of the nodes with a QKD link

	options    Options
	controller *exec.Cmd
	agents     map[string]*exec.Cmd
	routers    map[string]*exec.Cmd
}

// Start brings up the lab, the controller and the agents, and returns when
// every agent has a session. Whatever it started is ended if it fails. A lab
// that is up already is left alone: the error is lab.ErrUp.
func Start(ctx context.Context, o Options) (*World, error) {
	l, err := lab.Up(ctx, o.File, lab.Options{New: true, Progress: o.Progress})
	if err != nil {
		return nil, err
	}
	if o.Built != nil {
		o.Built(l)
	}
	w := &World{Lab: l, Dir: l.Dir(), options: o, agents: map[string]*exec.Cmd{}, routers: map[string]*exec.Cmd{}}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.Close(context.WithoutCancel(ctx)))
	}
	return w, nil
}

func (w *World) start(ctx context.Context) error {
	if err := w.StartController(ctx); err != nil {
		return err
	}
	var err error
	if w.KMEs, err = kmes.Start(w.Lab, w.options.File, w.options.KME); err != nil {
		return err
	}
	for _, node := range w.options.Routers {
		if err := w.StartRouter(ctx, node); err != nil {
			return err
		}
	}
	agents := w.Agents()
	for _, node := range agents {
		token, err := w.Client.CreateToken(ctx, node, time.Minute)
		if err != nil {
			return err
		}
		if err := w.StartAgent(ctx, node, token.Token); err != nil {
			return err
		}
	}
	// The API shows nodes of the topology only, and there is none yet.
	return Wait(ctx, "the agents to connect", func() error {
		events, err := w.Client.Events(ctx, 0, 1000)
		if err != nil {
			return err
		}
		connected := map[string]bool{}
		for _, e := range events {
			if e.Type == "AgentConnected" {
				connected[e.Object] = true
			}
		}
		if want := len(agents); len(connected) < want {
			return fmt.Errorf("%d of %d agents have a session", len(connected), want)
		}
		return nil
	})
}

// Agents are the nodes with an agent.
func (w *World) Agents() []string {
	var out []string
	for i := range w.options.File.Nodes {
		if node := w.options.File.Nodes[i].Name; node != w.options.Place && !slices.Contains(w.options.Routers, node) {
			out = append(out, node)
		}
	}
	return out
}

// StartController starts the controller, again if it was there before, and
// returns when it is ready.
func (w *World) StartController(ctx context.Context) error {
	dir := controllerDir(w.Lab.Name())
	// The socket is made here, whatever network the controller is in.
	api, err := listenHere(ctx)
	if err != nil {
		return err
	}
	defer api.Close()
	args := append([]string{
		"--state", dir, "--api", "fd:3", "--agents", "unix:" + w.socket(),
	}, w.options.Controller...)
	cmd := exec.Command(filepath.Join(w.options.Bin, "keiro-controller"), args...)
	cmd.ExtraFiles = []*os.File{api}
	config := ClientConfig(w.Lab.Name())
	if err := os.Remove(config); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	start := cmd.Start
	if w.options.Place != "" {
		start = func() error { return w.Lab.Start(ctx, w.options.Place, cmd) }
	}
	if err := w.launch(cmd, "controller", start); err != nil {
		return err
	}
	w.controller = cmd
	err = Wait(ctx, "the controller to be ready", func() error {
		cfg, err := client.ReadConfig(config)
		if err != nil {
			return err
		}
		if w.Client, err = client.New(cfg); err != nil {
			return err
		}
		_, err = w.Client.Version(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("%w\n%s", err, w.Log("controller"))
	}
	return nil
}

// listenHere is a TCP socket of this machine that a child is to inherit.
func listenHere(ctx context.Context) (*os.File, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}

// StopController asks the controller to end and waits until it has.
func (w *World) StopController() error { return end(w.controller, syscall.SIGTERM) }

// KillController ends the controller at once, as a crash would.
func (w *World) KillController() error { return end(w.controller, syscall.SIGKILL) }

// ControllerPID is the controller's process.
func (w *World) ControllerPID() int { return w.controller.Process.Pid }

// StartAgent starts the agent of a node. It needs a token the first time only.
func (w *World) StartAgent(ctx context.Context, node, token string) error {
	args := append([]string{
		"--node", node, "--controller", "unix:" + w.socket(), "--state", w.AgentDir(node),
	}, w.options.Agent...)
	args = append(args, w.options.AgentOf[node]...)
	if w.KMEs.Has(node) {
		args = append(args, "--kme", kmes.File(w.Lab, node))
	}
	cmd := exec.Command(filepath.Join(w.options.Bin, "keiro-agent"), args...)
	cmd.Env = []string{"KEIRO_TOKEN=" + token}
	w.agents[node] = cmd
	return w.launch(cmd, "agent-"+node, func() error { return w.Lab.Start(ctx, node, cmd) })
}

// StartRouter starts the router of a node.
func (w *World) StartRouter(ctx context.Context, node string) error {
	cmd := exec.Command(filepath.Join(w.options.Bin, "keiro-lab-router"), "--config", w.options.RouterFile, "--node", node, "--socket", w.RouterSocket(node))
	w.routers[node] = cmd
	return w.launch(cmd, "router-"+node, func() error { return w.Lab.Start(ctx, node, cmd) })
}

// RouterSocket is where `keiro-lab-router --rib` asks the router of a node.
func (w *World) RouterSocket(node string) string {
	return filepath.Join(w.Dir, "router-"+node+".sock")
}

// AgentDir is the state directory of a node's agent.
func (w *World) AgentDir(node string) string { return filepath.Join(w.Dir, "agent-"+node) }

// KillAgent ends the agent of a node at once.
func (w *World) KillAgent(node string) error { return end(w.agents[node], syscall.SIGKILL) }

// AgentPID is the process of a node's agent.
func (w *World) AgentPID(node string) int { return w.agents[node].Process.Pid }

func (w *World) socket() string { return filepath.Join(w.Dir, "agents.sock") }

// launch starts a process that logs into a file of its own.
func (w *World) launch(cmd *exec.Cmd, name string, start func() error) error {
	log, err := os.OpenFile(w.logFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for whoever started us
	if err := start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	return nil
}

func (w *World) logFile(name string) string { return filepath.Join(w.Dir, name+".log") }

// Log is the end of what a process logged.
func (w *World) Log(name string) string {
	text, _ := os.ReadFile(w.logFile(name)) // "" where there is none
	return string(text[max(len(text)-4000, 0):])
}

// Apply declares documents and waits until every intent that can be satisfied
// is installed and every path of it answers probes.
func (w *World) Apply(ctx context.Context, documents ...resource.Document) error {
	if _, err := w.Client.Apply(ctx, resource.Apply{Documents: documents}); err != nil {
		return err
	}
	return w.Settled(ctx)
}

// Settled waits until what is declared is what is there. Of a change in the
// network it knows when the controller does.
func (w *World) Settled(ctx context.Context) error {
	return Wait(ctx, "the intents to be installed", func() error {
		intents, err := w.Client.Intents(ctx)
		if err != nil {
			return err
		}
		for _, i := range intents {
			if i.Status.ObservedGeneration == 0 {
				return fmt.Errorf("intent %s: no answer for the network as it is yet", i.Metadata.Name)
			}
			if provenNot(i) {
				continue // there is nothing to wait for
			}
			for _, c := range i.Status.Conditions {
				if c.Type == resource.Installed && c.Status == resource.Unknown && w.silent(i) {
					continue
				}
				if c.Status != resource.True {
					return fmt.Errorf("intent %s: %s is %s: %s", i.Metadata.Name, c.Type, c.Status, c.Message)
				}
			}
		}
		return nil
	})
}

// silent tells of an intent that begins at an agent which is told by BGP: routers
// report what of a policy they have (RFC 9857), it does not.
func (w *World) silent(i resource.Intent) bool {
	return slices.ContainsFunc(i.Status.Paths, func(p resource.PathStatus) bool {
		return slices.Contains(w.options.AgentOf[p.Headend], "--bgp")
	})
}

func provenNot(i resource.Intent) bool {
	return slices.ContainsFunc(i.Status.Conditions, func(c resource.Condition) bool {
		return c.Type == resource.Satisfied && c.Status == resource.False
	})
}

// Topology is the topology of the lab's file, as YAML to be applied.
func (w *World) Topology() (resource.Document, error) {
	t, err := w.options.File.Topology()
	if err != nil {
		return resource.Document{}, err
	}
	return resource.Document{Name: w.options.File.Name, Data: topology.Format(t)}, nil
}

// Stream starts a stream of packets from one node to another.
func (w *World) Stream(from, to string, c stream.Config) (*stream.Stream, error) {
	c.At = func(fn func() error) error { return w.Lab.In(from, fn) }
	c.Into = func(fn func() error) error { return w.Lab.In(to, fn) }
	return stream.Start(c)
}

// Close ends everything. Nothing of the world is left.
func (w *World) Close(ctx context.Context) error {
	processes := append(slices.Collect(maps.Values(w.agents)), w.controller)
	processes = slices.AppendSeq(processes, maps.Values(w.routers))
	errs := make([]error, len(processes)+1)
	var ending sync.WaitGroup
	for n, cmd := range processes {
		ending.Go(func() { errs[n] = end(cmd, syscall.SIGTERM) })
	}
	ending.Wait()
	if w.KMEs != nil {
		w.KMEs.Close()
	}
	errs[len(processes)] = w.Lab.Down(ctx)
	return errors.Join(errs...)
}

// end asks a process to end and waits until it has.
func end(cmd *exec.Cmd, signal os.Signal) error {
	if cmd == nil || cmd.Process == nil || cmd.ProcessState != nil {
		return nil
	}
	if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	_ = cmd.Wait() // ended by a signal, as asked
	return nil
}

// Wait asks every few milliseconds until ready returns nil, for at most 30
// seconds or until ctx ends.
func Wait(ctx context.Context, what string, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, err)
		case <-tick.C:
		}
	}
}
