package lab

import (
	"context"
	"fmt"

	"github.com/keiro-net/keiro/lab/netns"
)

// Status is what a lab is at present.
type Status struct {
	Name string `json:"name"`
	// DelayEmulated is false: no kernel facility that delays packets can be
	// counted on, so links take what the machine takes, whatever the file says.
	DelayEmulated bool         `json:"delay_emulated"`
	Wire          string       `json:"wire_netns"`
	Nodes         []NodeStatus `json:"nodes"` // sorted by name
	Links         []LinkStatus `json:"links"` // file order
	Notes         []string     `json:"notes"` // what the file asks for and the lab does not do
}

// NodeStatus is one node.
type NodeStatus struct {
	Name      string   `json:"name"`
	Netns     string   `json:"netns"` // for `ip netns exec`
	Loopback  []string `json:"loopback"`
	Processes []int    `json:"processes"` // process ids, in order
}

// LinkStatus is one link.
type LinkStatus struct {
	Name     string       `json:"name"`
	Ends     [2]EndStatus `json:"ends"`
	Up       bool         `json:"up"`     // as the kernel has it
	Causes   []string     `json:"causes"` // why it is cut, sorted
	MTU      int          `json:"mtu_bytes"`
	Capacity int64        `json:"capacity_bps"` // as the file says; 0: not limited
	Rate     int64        `json:"rate_bps"`     // as limited at present; 0: not limited
	Loss     int64        `json:"loss_ppm"`
	LossFrom string       `json:"loss_from,omitempty"` // node whose packets are lost; left out: those of both
	SRLGs    []string     `json:"srlgs"`
}

// EndStatus is one end of a link.
type EndStatus struct {
	Node      string   `json:"node"`
	Interface string   `json:"interface"`
	Addresses []string `json:"addresses"`
}

// Status looks at the lab.
func (l *Lab) Status(ctx context.Context) (*Status, error) {
	d, err := enter(ctx, l.name, false)
	if err != nil {
		return nil, err
	}
	defer d.leave()
	s, err := d.load()
	if err != nil {
		return nil, err
	}
	status := &Status{Name: l.name, Wire: s.Plan.wireName(), Notes: s.Plan.notes()}
	for _, n := range s.Plan.Nodes {
		node, err := n.status(d)
		if err != nil {
			return nil, fmt.Errorf("lab %s: node %s: %w", l.name, n.Name, err)
		}
		status.Nodes = append(status.Nodes, node)
	}
	w, err := d.openWire()
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.name, err)
	}
	defer w.Close()
	up, err := w.Up()
	if err != nil {
		return nil, fmt.Errorf("lab %s: %w", l.name, err)
	}
	for i, link := range s.Plan.Links {
		status.Links = append(status.Links, link.status(s.Conditions[link.Name], up[i]))
	}
	return status, nil
}

func (n nodePlan) status(d *rundir) (NodeStatus, error) {
	status := NodeStatus{Name: n.Name, Netns: n.Netns, Loopback: texts(n.Loopback)}
	ns, err := netns.Open(d.node(n.Name))
	if err != nil {
		return status, err
	}
	defer ns.Close()
	status.Processes, err = netns.Processes([]netns.ID{ns.ID()})
	return status, err
}

func (l linkPlan) status(c condition, up bool) LinkStatus {
	status := LinkStatus{
		Name: l.Name, Up: up, Causes: append([]string{}, c.Causes...), MTU: l.MTU, Capacity: l.Capacity, Rate: l.Capacity, Loss: c.Loss, LossFrom: c.LossFrom, SRLGs: l.SRLGs,
	}
	if c.Rate > 0 {
		status.Rate = c.Rate
	}
	for i, e := range l.Ends {
		status.Ends[i] = EndStatus{Node: e.Node, Interface: e.Interface, Addresses: texts(e.Addresses)}
	}
	return status
}

func texts[T fmt.Stringer](values []T) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return out
}
