package keeper

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// willFile keeps the wills of a node, so that they outlive both processes.
type willFile string

func willFileOf(dir, name string) willFile { return willFile(filepath.Join(dir, name+".will")) }

// save replaces the wills on disk at once: a reader sees the former ones or these. None: no file.
func (f willFile) save(wills map[string]will) error {
	if len(wills) == 0 {
		return f.remove()
	}
	stored := make(map[string]will, len(wills))
	for instance, w := range wills {
		stored[instance] = w.storable()
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return fmt.Errorf("encode the wills: %w", err)
	}
	tmp := string(f) + ".tmp"
	if err := os.WriteFile(tmp, text, 0o600); err != nil { // the packets hold the VRRP password
		return fmt.Errorf("save the wills: %w", err)
	}
	if err := os.Rename(tmp, string(f)); err != nil {
		return fmt.Errorf("save the wills: %w", err)
	}
	return nil
}

func (f willFile) remove() error {
	if err := os.Remove(string(f)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the wills: %w", err)
	}
	return nil
}

// load reads the wills; none where there is no file.
func (f willFile) load() (map[string]will, error) {
	text, err := os.ReadFile(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the wills: %w", err)
	}
	wills, err := parseWills(text)
	if err != nil {
		return nil, fmt.Errorf("read the wills in %s: %w", f, err)
	}
	return wills, nil
}

func parseWills(text []byte) (map[string]will, error) {
	var wills map[string]will
	if err := unmarshalStrict(text, &wills); err != nil {
		return nil, err
	}
	return wills, nil
}

// Replay carries out the wills that a former run of the node left in dir, in the order of the instances' names, removes
// them, and says how many there were. It goes on after a failure and tells them all; a file that it does not
// understand stays. The caller holds the node's lock: it would take the addresses of a running daemon.
func Replay(dir, name string, effects Effects) (int, error) {
	file := willFileOf(dir, name)
	wills, err := file.load()
	if err != nil {
		return 0, err
	}
	h := newHands(effects)
	defer h.close()
	var failed []error
	for _, instance := range slices.Sorted(maps.Keys(wills)) {
		if err := h.carryOut(instance, wills[instance]); err != nil {
			failed = append(failed, fmt.Errorf("will of %s: %w", instance, err))
		}
	}
	failed = append(failed, file.remove())
	return len(wills), errors.Join(failed...)
}
