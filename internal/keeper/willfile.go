package keeper

import (
	"bytes"
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

// parseWills reads maps of wills, one after the other. A later will replaces an earlier one of the same instance; one without
// operations cancels it.
func parseWills(text []byte) (map[string]will, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	wills := map[string]will{}
	for first := true; first || d.More(); first = false {
		var changed map[string]will
		if err := d.Decode(&changed); err != nil {
			return nil, err
		}
		maps.Copy(wills, changed)
	}
	maps.DeleteFunc(wills, func(_ string, w will) bool { return len(w) == 0 })
	return wills, nil
}

// willJournal keeps a willFile up to date, one will after the other: hundreds of instances that take over together would
// write all wills hundreds of times.
type willJournal struct {
	file  willFile
	notes int   // maps in the file; 0: what it holds is not known
	size  int64 // of the file
}

// spareNotes is how many more maps than wills a file may hold before it is written anew.
const spareNotes = 64

// note brings the file up to date after the will of one instance changed; all are those that there are now.
func (j *willJournal) note(instance string, all map[string]will) error {
	if len(all) == 0 || j.notes == 0 || j.notes > len(all)+spareNotes {
		return j.rewrite(all)
	}
	text, err := json.Marshal(map[string]will{instance: all[instance].storable()})
	if err != nil {
		return fmt.Errorf("encode the will: %w", err)
	}
	if err := j.append(text); err != nil {
		j.notes = 0
		return errors.Join(fmt.Errorf("save the will: %w", err), os.Truncate(string(j.file), j.size))
	}
	j.notes++
	j.size += int64(len(text))
	return nil
}

func (j *willJournal) append(text []byte) (err error) {
	f, err := os.OpenFile(string(j.file), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// rewrite writes all wills anew.
func (j *willJournal) rewrite(all map[string]will) error {
	j.notes = 0
	if err := j.file.save(all); err != nil || len(all) == 0 {
		return err
	}
	info, err := os.Stat(string(j.file))
	if err != nil {
		return fmt.Errorf("save the wills: %w", err)
	}
	j.notes, j.size = 1, info.Size()
	return nil
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
