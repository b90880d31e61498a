// Package say runs the Go programs' cases and prints what was seen.
package say

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
)

var current string

// Failure is how a client's error is told: its SQLSTATE and its first line.
type Failure func(error) (string, string)

// How errors of the client are told.
var How Failure

// Client prints the first line.
func Client(name, version string) { fmt.Printf("client: %s %s\n", name, version) }

// Saw prints one line of the case that runs.
func Saw(values ...any) {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = fmt.Sprint(value)
	}
	fmt.Printf("%s: %s\n", current, strings.Join(words, " "))
}

// Refused prints an error that is expected.
func Refused(err error) {
	if err == nil {
		Saw("not refused")
		return
	}
	state, message := How(err)
	Saw(state, strings.SplitN(message, "\n", 2)[0])
}

// Case runs one case; Must within it ends it.
func Case(name string, run func(), after func()) {
	current = name
	defer func() {
		if caught := recover(); caught != nil {
			err, ok := caught.(error)
			if !ok {
				panic(caught)
			}
			state, message := How(err)
			Saw("ERROR", state, strings.SplitN(message, "\n", 2)[0])
			after()
		}
	}()
	run()
}

// Must ends the case with an error.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}

// Got is a value, or the end of the case.
func Got[T any](value T, err error) T {
	Must(err)
	return value
}

// Hash of something big.
func Hash(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return hex.EncodeToString(sum[:])
}

// Same compares something big.
func Same(back, value string) string {
	if back == value {
		return "same"
	}
	return "other"
}

// Version is that of the Debian package: a program that is built from GOPATH cannot tell its libraries'.
func Version(debian string) string {
	said, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", debian).Output()
	if err != nil {
		return "unknown"
	}
	return strings.SplitN(string(said), "-", 2)[0]
}
