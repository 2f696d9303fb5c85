//go:build race

package secure

const race = true
