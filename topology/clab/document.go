package clab

import "github.com/keiro-net/keiro/topology/strictyaml"

// The keys of a containerlab file, version 0.79, as its manual (topology
// definition, nodes) and its schema list them. Much of it is read for no other
// reason than to tell a key that exists from one that does not.

type fileDoc struct {
	Name     string      `json:"name" strict:"required"`
	Prefix   *string     `json:"prefix"`
	Mgmt     mgmtDoc     `json:"mgmt"`
	Settings settingsDoc `json:"settings"`
	Debug    bool        `json:"debug"`
	Topology topologyDoc `json:"topology" strict:"required"`
}

type mgmtDoc struct {
	Network        string            `json:"network"`
	Bridge         string            `json:"bridge"`
	IPv4Subnet     string            `json:"ipv4-subnet"`
	IPv4SubnetOld  string            `json:"ipv4_subnet"`
	IPv4Gw         string            `json:"ipv4-gw"`
	IPv4Range      string            `json:"ipv4-range"`
	IPv6Subnet     string            `json:"ipv6-subnet"`
	IPv6SubnetOld  string            `json:"ipv6_subnet"`
	IPv6Gw         string            `json:"ipv6-gw"`
	IPv6Range      string            `json:"ipv6-range"`
	MTU            int               `json:"mtu"`
	ExternalAccess bool              `json:"external-access"`
	SkipWhenUnused bool              `json:"skip-when-unused"`
	DriverOpts     map[string]string `json:"driver-opts"`
}

type settingsDoc struct {
	CertificateAuthority struct {
		Cert             string `json:"cert"`
		Key              string `json:"key"`
		KeySize          int    `json:"key-size"`
		ValidityDuration string `json:"validity-duration"`
	} `json:"certificate-authority"`
}

type topologyDoc struct {
	Defaults *nodeDoc            `json:"defaults"`
	Kinds    map[string]*nodeDoc `json:"kinds"`
	Groups   map[string]*nodeDoc `json:"groups"`
	Nodes    map[string]*nodeDoc `json:"nodes"`
	Links    []strictyaml.Value  `json:"links"`
}

// nodeDoc stands under nodes, groups, kinds and defaults.
type nodeDoc struct {
	nodeUsed
	nodeIgnored
}

// nodeUsed are the keys that mean something to a node without a container.
type nodeUsed struct {
	Kind    string            `json:"kind"`
	Group   string            `json:"group"`
	Image   string            `json:"image"`
	Cmd     string            `json:"cmd"`
	Labels  map[string]string `json:"labels"`
	Env     map[string]string `json:"env"`
	Exec    []string          `json:"exec"`
	Binds   []string          `json:"binds"`
	Sysctls map[string]string `json:"sysctls"`
}

// nodeIgnored are the keys that mean nothing without one. Their values are
// pointers or may be nil, so that a key that is given can be told.
type nodeIgnored struct {
	Aliases               []string          `json:"aliases"`
	AutoRemove            *bool             `json:"auto-remove"`
	CapAdd                []string          `json:"cap-add"`
	Certificate           *certificateDoc   `json:"certificate"`
	CgroupParent          *string           `json:"cgroup-parent"`
	CgroupnsMode          *string           `json:"cgroupns-mode"`
	Components            []componentDoc    `json:"components"`
	Config                *configDoc        `json:"config"`
	CPU                   *float64          `json:"cpu"`
	CPUSet                *string           `json:"cpu-set"`
	Credentials           *credentialsDoc   `json:"credentials"`
	Devices               []string          `json:"devices"`
	DNS                   *dnsDoc           `json:"dns"`
	EnforceStartupConfig  *bool             `json:"enforce-startup-config"`
	Entrypoint            *string           `json:"entrypoint"`
	EnvFiles              []string          `json:"env-files"`
	Extras                *extrasDoc        `json:"extras"`
	Healthcheck           *healthcheckDoc   `json:"healthcheck"`
	Hostname              *string           `json:"hostname"`
	ImagePullPolicy       *string           `json:"image-pull-policy"`
	License               *string           `json:"license"`
	LinkApplyMode         *string           `json:"link-apply-mode"`
	Memory                *string           `json:"memory"`
	MgmtIPv4              *string           `json:"mgmt-ipv4"`
	MgmtIPv6              *string           `json:"mgmt-ipv6"`
	NetworkMode           *string           `json:"network-mode"`
	Password              *string           `json:"password"` // before `credentials`
	PidMode               *string           `json:"pid-mode"`
	Ports                 []string          `json:"ports"`
	Position              *string           `json:"position"`
	Privileged            *bool             `json:"privileged"`
	RestartPolicy         *string           `json:"restart-policy"`
	Runtime               *string           `json:"runtime"`
	SecurityOpts          []string          `json:"security-opts"`
	ShmSize               *string           `json:"shm-size"`
	Stages                *stagesDoc        `json:"stages"`
	StartupConfig         *string           `json:"startup-config"`
	StartupDelay          *int              `json:"startup-delay"`
	SuppressStartupConfig *bool             `json:"suppress-startup-config"`
	Tmpfs                 map[string]string `json:"tmpfs"`
	Type                  *string           `json:"type"`
	User                  *string           `json:"user"`
	Username              *string           `json:"username"` // before `credentials`
	Volumes               []string          `json:"volumes"`
}

type certificateDoc struct {
	Issue            bool     `json:"issue"`
	KeySize          int      `json:"key-size"`
	ValidityDuration string   `json:"validity-duration"`
	SANs             []string `json:"sans"`
}

type componentDoc struct {
	Slot string            `json:"slot"`
	Type string            `json:"type"`
	Env  map[string]string `json:"env"`
	SFM  string            `json:"sfm"`
	MDA  []mdaDoc          `json:"mda"`
	XIOM []struct {
		Slot int      `json:"slot"`
		Type string   `json:"type"`
		MDA  []mdaDoc `json:"mda"`
	} `json:"xiom"`
}

type mdaDoc struct {
	Slot int    `json:"slot"`
	Type string `json:"type"`
}

type configDoc struct {
	Vars map[string]strictyaml.Value `json:"vars"`
}

type credentialsDoc struct {
	Username     string `json:"username"`
	Password     string `json:"password"`
	IdentityFile string `json:"identity-file"`
}

type dnsDoc struct {
	Servers []string `json:"servers"`
	Options []string `json:"options"`
	Search  []string `json:"search"`
}

type extrasDoc struct {
	SRLAgents       []string `json:"srl-agents"`
	MysocketProxy   string   `json:"mysocket-proxy"`
	CeosCopyToFlash []string `json:"ceos-copy-to-flash"`
	K8sKind         struct {
		Deploy struct {
			KubeconfigPath string `json:"kubeconfig"`
			Wait           string `json:"wait"`
		} `json:"deploy"`
	} `json:"k8s_kind"`
}

type healthcheckDoc struct {
	Test        []string `json:"test"`
	Interval    int      `json:"interval"`
	Timeout     int      `json:"timeout"`
	Retries     int      `json:"retries"`
	StartPeriod int      `json:"start-period"`
}

type stagesDoc struct {
	Create      stageDoc `json:"create"`
	CreateLinks stageDoc `json:"create-links"`
	Configure   stageDoc `json:"configure"`
	Healthy     stageDoc `json:"healthy"`
	Exit        stageDoc `json:"exit"`
}

type stageDoc struct {
	WaitFor []struct {
		Node  string `json:"node"`
		Stage string `json:"stage"`
	} `json:"wait-for"`
	Exec strictyaml.Value `json:"exec"` // stageExecDoc or a list of stageCommandDoc
}

type stageExecDoc struct {
	OnEnter []string `json:"on-enter"`
	OnExit  []string `json:"on-exit"`
}

type stageCommandDoc struct {
	Command string `json:"command"`
	Target  string `json:"target"`
	Phase   string `json:"phase"`
}

// briefDoc is a link without a `type`.
type briefDoc struct {
	Type      string   `json:"type"` // "" or brief
	Endpoints []string `json:"endpoints" strict:"required"`
	linkDoc
}

// vethDoc is a link of type veth or veth-stitch.
type vethDoc struct {
	Type      string        `json:"type"`
	Endpoints []endpointDoc `json:"endpoints" strict:"required"`
	linkDoc
}

type linkDoc struct {
	MTU    *int                        `json:"mtu"`
	IPv4   []string                    `json:"ipv4"` // of the endpoints, in their order
	IPv6   []string                    `json:"ipv6"`
	Labels map[string]string           `json:"labels"`
	Vars   map[string]strictyaml.Value `json:"vars"`
}

type endpointDoc struct {
	Node      string                      `json:"node" strict:"required"`
	Interface string                      `json:"interface" strict:"required"`
	MAC       string                      `json:"mac"`
	IPv4      string                      `json:"ipv4"`
	IPv6      string                      `json:"ipv6"`
	Vars      map[string]strictyaml.Value `json:"vars"`
}

// leavingDoc is a link of a type that leads out of the lab or nowhere.
type leavingDoc struct {
	Type          string      `json:"type"`
	Endpoint      endpointDoc `json:"endpoint" strict:"required"`
	HostInterface string      `json:"host-interface"`
	Mode          string      `json:"mode"`
	Remote        string      `json:"remote"`
	VNI           int         `json:"vni"`
	DstPort       int         `json:"dst-port"`
	SrcPort       int         `json:"src-port"`
	linkDoc
}
