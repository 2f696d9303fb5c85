package config

// Key is a row of the table of keys.
type Key struct {
	Path string // "vrrp.instances[].priority"; [] stands for each item of a list, * for a name of the user's choice
	Type Type

	Default  string // in YAML: what an absent key is taken to be; "{}" for a section whose keys have defaults
	Absent   string // in words: what holds where the key is absent, for a key without a fixed default
	Required bool   // absence is an error, in a section that is there
	PerNode  bool   // may be a map under the nodes' names
	Like     string // the path of a section whose keys this one has too
	Secret   bool   // hidden in the source lines of problems
	Later    bool   // known, but not in this version: an error with these words
	Others   string // what Keepalived, HAProxy or nginx call it, separated by spaces: for suggestions and the reference

	Example string // in YAML
	Reload  Reload
	Help    string // what it is, for the reference
}

// Reload is what a reload does with a key that has changed.
type Reload string

// The effects of a reload.
const (
	ReloadLive    Reload = "at once"                     // in place; nothing restarts
	ReloadNew     Reload = "for new connections"         // those that are open keep what they began with
	ReloadAnew    Reload = "starts this part anew"       // the instance, tracker, bind or check that the key belongs to
	ReloadWire    Reload = "refused without `--force`"   // nodes that differ in it do not hear each other
	ReloadRestart Reload = "refused: it takes a restart" // fixed while the daemon runs
	ReloadParts   Reload = "as its keys say"             // sections and lists
)
