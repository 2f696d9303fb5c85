package config

import (
	"time"
)

type rawProxy struct {
	Threads int `yaml:"threads"`
	TLS     struct {
		TicketSecretFile string `yaml:"ticket_secret_file"`
	} `yaml:"tls"`
	Limits struct {
		Handshakes     int     `yaml:"handshakes"`
		MaxConnections int     `yaml:"max_connections"`
		Responses      rawSize `yaml:"buffered_responses"`
	} `yaml:"limits"`
	Defaults struct {
		Timeouts       rawTimeouts       `yaml:"timeouts"`
		Retries        int               `yaml:"retries"`
		Redispatch     bool              `yaml:"redispatch"`
		AccessLog      *rawAccessLog     `yaml:"access_log"`
		ErrorPages     map[string]string `yaml:"error_pages"`
		TrustedProxies *[]string         `yaml:"trusted_proxies"`
		ClientFrom     string            `yaml:"client_from"`
		MaxBody        rawSize           `yaml:"max_body_size"`
		Compression    *rawCompression   `yaml:"compression"`
	} `yaml:"defaults"`
	Resolvers rawResolvers  `yaml:"resolvers"`
	Maps      []rawNamedMap `yaml:"maps"`
	Frontends []rawFrontend `yaml:"frontends"`
	Backends  []rawBackend  `yaml:"backends"`
}

// rawTimeouts are those of the defaults, and what a frontend or backend has of its own: 0 is absent there.
type rawTimeouts struct {
	rawFrontendTimeouts `yaml:",inline"`
	rawBackendTimeouts  `yaml:",inline"`
}

type rawFrontendTimeouts struct {
	Client      time.Duration `yaml:"client"`
	HTTPRequest time.Duration `yaml:"http_request"`
	KeepAlive   time.Duration `yaml:"keep_alive"`
	Tunnel      time.Duration `yaml:"tunnel"`
}

type rawBackendTimeouts struct {
	Queue   time.Duration `yaml:"queue"`
	Connect time.Duration `yaml:"connect"`
	Server  time.Duration `yaml:"server"`
}

type rawFrontend struct {
	Name            string              `yaml:"name"`
	Mode            string              `yaml:"mode"`
	Bind            []rawBind           `yaml:"bind"`
	Rules           []rawRule           `yaml:"rules"`
	RequestHeaders  *rawEdits           `yaml:"request_headers"`
	ResponseHeaders *rawResponseEdits   `yaml:"response_headers"`
	ErrorPages      map[string]string   `yaml:"error_pages"`
	TrustedProxies  *[]string           `yaml:"trusted_proxies"`
	ClientFrom      string              `yaml:"client_from"`
	ClientRate      *rawClientRate      `yaml:"client_rate"`
	RequestID       *rawRequestID       `yaml:"request_id"`
	Monitor         *rawMonitor         `yaml:"monitor"`
	DefaultBackend  string              `yaml:"default_backend"`
	Timeouts        rawFrontendTimeouts `yaml:"timeouts"`
	MaxBody         rawSize             `yaml:"max_body_size"`
	Compression     *rawCompression     `yaml:"compression"`
	MaxConnections  int                 `yaml:"max_connections"`

	ClientConnections *rawClientConnections `yaml:"client_connections"`

	AccessLog *rawAccessLog `yaml:"access_log"`
}

type rawSocket struct {
	Mode  string `yaml:"mode"`
	User  string `yaml:"user"`
	Group string `yaml:"group"`
}

type rawBind struct {
	Address perNode[string] `yaml:"address"`
	TLS     *rawTLS         `yaml:"tls"`
	Socket  *rawSocket      `yaml:"socket"`
	H2C     bool            `yaml:"h2c"`
	Accept  bool            `yaml:"accept_proxy"`
	Proxies []string        `yaml:"trusted_proxies"`
}

type rawRule struct {
	Match           rawMatch          `yaml:"match"`
	Backend         string            `yaml:"backend"`
	Redirect        *rawRedirect      `yaml:"redirect"`
	Respond         *rawRespond       `yaml:"respond"`
	Split           []rawShare        `yaml:"split"`
	SplitKey        string            `yaml:"split_key"`
	Map             *rawMap           `yaml:"map"`
	Deny            int               `yaml:"deny"`
	Rewrite         *rawRewrite       `yaml:"rewrite"`
	Auth            *rawAuth          `yaml:"basic_auth"`
	RequestHeaders  *rawEdits         `yaml:"request_headers"`
	ResponseHeaders *rawResponseEdits `yaml:"response_headers"`
	ClientRate      *rawClientRate    `yaml:"client_rate"`
	MaxBody         rawSize           `yaml:"max_body_size"`
	Compression     bool              `yaml:"compression"`
	Log             bool              `yaml:"log"`
}

type rawRedirect struct {
	Scheme   string `yaml:"scheme"`
	Location string `yaml:"location"`
	Code     int    `yaml:"code"`
}

type rawRespond struct {
	Status      int    `yaml:"status"`
	Body        string `yaml:"body"`
	ContentType string `yaml:"content_type"`
}

type rawBackend struct {
	Name      string        `yaml:"name"`
	Mode      string        `yaml:"mode"`
	Protocol  string        `yaml:"protocol"`
	Balance   rawBalance    `yaml:"balance"`
	SlowStart time.Duration `yaml:"slow_start"`
	Forwarded struct {
		For      string   `yaml:"x_forwarded_for"`
		Proto    bool     `yaml:"x_forwarded_proto"`
		RealIP   bool     `yaml:"x_real_ip"`
		Host     bool     `yaml:"x_forwarded_host"`
		Port     bool     `yaml:"x_forwarded_port"`
		Standard bool     `yaml:"standard"`
		Except   []string `yaml:"except"`
	} `yaml:"forwarded"`
	RequestHeaders  *rawEdits          `yaml:"request_headers"`
	ResponseHeaders *rawResponseEdits  `yaml:"response_headers"`
	ErrorPages      map[string]string  `yaml:"error_pages"`
	Buffering       rawBuffering       `yaml:"buffering"`
	Cookie          *rawCookie         `yaml:"cookie"`
	Sources         *rawSources        `yaml:"stick_table"`
	Check           *rawCheck          `yaml:"health_check"`
	Passive         *rawPassive        `yaml:"passive_check"`
	OnDown          string             `yaml:"on_down"`
	Servers         []rawServer        `yaml:"servers"`
	MaxConnections  int                `yaml:"max_connections"`
	MaxQueue        int                `yaml:"max_queue"`
	Retries         *int               `yaml:"retries"`
	RetryOn         []string           `yaml:"retry_on"`
	RetryBudget     rawRetryBudget     `yaml:"retry_budget"`
	Redispatch      *bool              `yaml:"redispatch"`
	Timeouts        rawBackendTimeouts `yaml:"timeouts"`
	TLS             *rawServerTLS      `yaml:"tls"`
}

type rawBuffering struct {
	Requests  rawSize `yaml:"requests"`
	Responses rawSize `yaml:"responses"`
}

type rawServer struct {
	Name           string         `yaml:"name"`
	Address        serverPlace    `yaml:"address"`
	Slots          int            `yaml:"slots"`
	Family         string         `yaml:"family"`
	Weight         int            `yaml:"weight"`
	Cookie         string         `yaml:"cookie"`
	Backup         bool           `yaml:"backup"`
	SlowStart      *time.Duration `yaml:"slow_start"`
	SendProxy      string         `yaml:"send_proxy"`
	ServerName     string         `yaml:"server_name"`
	Track          string         `yaml:"track"`
	MaxConnections int            `yaml:"max_connections"`
	MaxQueue       int            `yaml:"max_queue"`
}
