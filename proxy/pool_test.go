package proxy

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tandem-lb/tandem/proxy/balance"
	"github.com/tandem-lb/tandem/proxy/upstream"
)

func TestNewPool(t *testing.T) {
	address := netip.MustParseAddrPort("192.0.2.1:80")
	b := &backend{config: Backend{
		Name:    "app",
		Balance: Balance{Algorithm: "random", Draws: 1, FirstBackup: true},
		Servers: []Server{{Name: "a", Address: address, Weight: 3}, {Name: "b", Address: address, Weight: 2, Backup: true, SlowStart: time.Minute}},
	}}
	b.servers = b.seat(nil)
	first, err := b.newPool()
	if err != nil {
		t.Fatal(err)
	}
	b.pool = first
	for i, want := range []upstream.Member{{Weight: 3}, {Weight: 2, Backup: true, SlowStart: time.Minute}} {
		got := first.Members()[i]
		if want.Server = got.Server; got != want {
			t.Errorf("server %d: got %+v, want %+v", i, got, want)
		}
	}
	next := &backend{config: b.config}
	next.config.Servers = []Server{{Name: "b", Address: address}, {Name: "a", Address: address, ServerName: "other"}, {Name: "c", Address: address}}
	next.servers = next.seat(nil)
	pool, err := next.newPool(b)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []*upstream.Server{first.Members()[1].Server, nil, nil} {
		if got := pool.Members()[i].Server; want != nil && got != want || want == nil && got == first.Members()[0].Server {
			t.Errorf("server %d: got %v, want %v", i, got.Key(), want)
		}
	}
}

func TestBalanceKey(t *testing.T) {
	for _, tt := range []struct {
		name    string
		balance Balance
		want    balance.Key // zero: none
		err     string
	}{
		{"the default", Balance{}, balance.Key{}, ""},
		{"source", Balance{Algorithm: "source"}, balance.Key{From: balance.FromSource}, ""},
		{"hash", Balance{Algorithm: "hash", Key: "cookie:a"}, balance.Key{From: balance.FromCookie, Name: "a"}, ""},
		{"hash without a key", Balance{Algorithm: "hash"}, balance.Key{}, `balance hash: key "", want source, path, header:NAME, cookie:NAME or query:NAME`},
		{"a key of no use", Balance{Algorithm: "least_conn", Key: "path"}, balance.Key{}, "balance key path, which only hash takes"},
	} {
		k, err := tt.balance.key()
		if k == nil {
			k = &balance.Key{}
		}
		if *k != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: got %v, %v, want %v, %s", tt.name, *k, err, tt.want, tt.err)
		}
	}
}
