// gocql, as a peer of `bench peers`: README.md has the protocol.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/bits"
	"math/rand"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	gocql "github.com/apache/cassandra-gocql-driver/v2"
)

const module = "github.com/apache/cassandra-gocql-driver/v2"

type asked struct {
	Prepare *struct {
		Node, Text    string
		Rows, Threads int
	}
	Run *struct {
		Micros   int64
		InFlight int `json:"in_flight"`
	}
}

type outcome struct {
	Answered  int64            `json:"answered"`
	Micros    int64            `json:"micros"`
	CPUMicros int64            `json:"cpu_micros"`
	Errors    map[string]int64 `json:"errors"`
	Histogram [][2]int64       `json:"histogram"`
}

var (
	session *gocql.Session
	text    string
	rows    int
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var line asked
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			fail(err)
		}
		var answer any
		if line.Prepare != nil {
			answer = map[string]string{"ready": prepare(line)}
		} else {
			answer = run(time.Duration(line.Run.Micros)*time.Microsecond, line.Run.InFlight)
		}
		written, err := json.Marshal(answer)
		if err != nil {
			fail(err)
		}
		fmt.Println(string(written))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func prepare(line asked) string {
	if line.Prepare.Threads > 0 {
		runtime.GOMAXPROCS(line.Prepare.Threads)
	}
	cluster := gocql.NewCluster(line.Prepare.Node)
	cluster.Consistency = gocql.LocalQuorum
	cluster.PoolConfig.HostSelectionPolicy = gocql.TokenAwareHostPolicy(gocql.RoundRobinHostPolicy())
	var err error
	if session, err = cluster.CreateSession(); err != nil {
		fail(err)
	}
	text, rows = line.Prepare.Text, line.Prepare.Rows
	version := "?"
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range build.Deps {
			if dependency.Path == module {
				version = dependency.Version
			}
		}
	}
	return fmt.Sprintf("gocql %s, %s", version, runtime.Version())
}

// A closed loop: whoever has an answer sends the next request.
func run(length time.Duration, inFlight int) outcome {
	began, cpu := time.Now(), cpuMicros()
	ends := began.Add(length)
	var shares [16]share
	var workers sync.WaitGroup
	for worker := 0; worker < inFlight; worker++ {
		workers.Add(1)
		go func(own *share) {
			defer workers.Done()
			own.work(ends)
		}(&shares[worker%len(shares)])
	}
	workers.Wait()
	told := outcome{Micros: time.Since(began).Microseconds(), CPUMicros: cpuMicros() - cpu}
	told.Errors = map[string]int64{}
	var times [buckets]int64
	for at := range shares {
		own := &shares[at]
		told.Answered += own.answered
		for kind, count := range own.errors {
			told.Errors[kind] += count
		}
		for at, count := range own.times {
			times[at] += int64(count)
		}
	}
	for at, count := range times {
		if count > 0 {
			told.Histogram = append(told.Histogram, [2]int64{microsOf(at), count})
		}
	}
	return told
}

// Few enough that recording is no load itself.
type share struct {
	sync.Mutex
	answered int64
	errors   map[string]int64
	times    [buckets]uint32
}

func (own *share) work(ends time.Time) {
	for {
		sent := time.Now()
		if !sent.Before(ends) {
			return
		}
		var name string
		err := session.Query(text, rand.Intn(rows)).Scan(&name)
		kind := "wrong answer"
		if err != nil {
			kind = strings.TrimPrefix(reflect.TypeOf(err).String(), "*")
		}
		took := time.Since(sent).Microseconds()
		own.Lock()
		if err == nil && strings.HasPrefix(name, "User") {
			own.answered++
		} else {
			if own.errors == nil {
				own.errors = map[string]int64{}
			}
			own.errors[kind]++
		}
		own.times[bucketOf(took)]++
		own.Unlock()
	}
}

// User and system time of all threads.
func cpuMicros() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return usage.Utime.Nano()/1000 + usage.Stime.Nano()/1000
}

// Microseconds, of which seven bits count.
const buckets = 64 * 40

func bucketOf(micros int64) int {
	shift := max(0, bits.Len64(uint64(micros))-7)
	return min(buckets-1, shift<<6+int(micros>>shift))
}

func microsOf(bucket int) int64 {
	shift := max(0, bucket>>6-1)
	return int64(bucket-shift<<6) << shift
}
