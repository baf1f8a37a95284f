package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// The states of a server that runs as a child.
const (
	serverRunning = "running"
	serverFrozen  = "frozen"
	serverStopped = "stopped"
)

// child runs the LiveKit server as a process of its own, so that it can be frozen, killed and started again while
// Redis and the phones live on, as in a real installation. Clients come in through a front that owns the public port.
type child struct {
	settings serverSettings // with concrete ports: every start uses the same ones
	front    *front
	ended    chan error

	op    sync.Mutex // one fault at a time
	mu    sync.Mutex
	state string
	cmd   *exec.Cmd
	gone  chan struct{} // closed when cmd has been reaped
}

// serveChild is what the child process does: read the settings, run the server, end with stdin.
func serveChild(in io.Reader) int {
	r := bufio.NewReader(in)
	text, err := r.ReadBytes('\n')
	var set serverSettings
	if err == nil {
		err = json.Unmarshal(text, &set)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "line serve: this is the line's own child, started by -child:", err)
		return 2
	}
	quietenRedis(set.Level)
	l, err := set.start()
	if errors.Is(err, errPortTaken) {
		return exitPortTaken
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "line serve:", err)
		return 1
	}
	parent := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, r)
		close(parent)
	}()
	select {
	case <-parent:
		return 0
	case err := <-l.down():
		fmt.Fprintln(os.Stderr, "line serve: the LiveKit server stopped:", err)
		return 1
	}
}

const exitPortTaken = 3

func startChild(want serverSettings) (*child, error) {
	public, err := openPublic(want.Port)
	if err != nil {
		return nil, err
	}
	inner := want
	inner.Port = 0
	c := &child{ended: make(chan error, 1), state: serverStopped}
	for range portTries {
		if c.settings, err = inner.withFreePorts(); err != nil {
			break
		}
		if err = c.launch(); !errors.Is(err, errPortTaken) || want.UDP != 0 {
			break
		}
	}
	if err != nil {
		_ = public.Close()
		return nil, fmt.Errorf("cannot start the LiveKit server: %w", err)
	}
	c.front = newFront(public, c.direct())
	return c, nil
}

// launch starts the process and waits until it answers.
func (c *child) launch() error {
	text, err := json.Marshal(c.settings)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find its own binary: %w", err)
	}
	cmd := exec.Command(self, serveWord)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	dieWithParent(cmd)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	started, gone, early := make(chan error, 1), make(chan struct{}), make(chan error, 1)
	go func() {
		// "Die with the parent" means the thread that started the child, so this one has to stay.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		err = cmd.Wait()
		if cmd.ProcessState.ExitCode() == exitPortTaken {
			err = errPortTaken
		}
		early <- err
		close(gone)
		c.left(cmd, err)
	}()
	if err := <-started; err != nil {
		return err
	}
	if _, err := stdin.Write(append(text, '\n')); err != nil {
		_ = cmd.Process.Kill()
		return fmt.Errorf("the server process does not take its settings: %w", err)
	}
	if err := waitHTTP(c.settings.Port, 10*time.Second, early); err != nil {
		_ = cmd.Process.Kill()
		<-gone
		return err
	}
	c.mu.Lock()
	c.cmd, c.gone, c.state = cmd, gone, serverRunning
	c.mu.Unlock()
	return nil
}

// left is told of every exit of a server process; one that nobody asked for ends the line.
func (c *child) left(cmd *exec.Cmd, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != cmd {
		return
	}
	c.cmd = nil
	if c.state != serverStopped {
		c.state = serverStopped
		if err == nil {
			err = errors.New("it ended by itself")
		}
		c.ended <- err
	}
}

func (c *child) direct() string     { return fmt.Sprintf("127.0.0.1:%d", c.settings.Port) }
func (c *child) url() string        { return "ws://" + c.front.addr }
func (c *child) down() <-chan error { return c.ended }
func (c *child) faults() *child     { return c }
func (c *child) door() *front       { return c.front }

func (c *child) stop() {
	c.op.Lock()
	defer c.op.Unlock()
	_ = c.kill()
	c.front.stop()
}

func (c *child) faultState() faultState {
	c.mu.Lock()
	defer c.mu.Unlock()
	open, taken := c.front.signalled()
	return faultState{Child: true, Server: c.state, RefuseJoins: c.front.refuse.Load(), Signals: open, SignalsTaken: taken}
}

// fault does one of the faults by name.
func (c *child) fault(name string) error {
	c.op.Lock()
	defer c.op.Unlock()
	switch name {
	case "freeze":
		return c.signal(freezeSignal, serverRunning, serverFrozen)
	case "thaw":
		return c.signal(thawSignal, serverFrozen, serverRunning)
	case "cut_signals":
		c.front.cutSignals()
		return nil
	case "kill":
		return c.kill()
	case "start":
		return c.start()
	case "restart":
		if err := c.kill(); err != nil {
			return err
		}
		return c.start()
	}
	return fmt.Errorf("there is no fault %q", name)
}

func (c *child) signal(sig os.Signal, from, to string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == to {
		return nil
	}
	if c.state != from {
		return fmt.Errorf("the server is %s", c.state)
	}
	if err := c.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("cannot signal the server: %w", err)
	}
	c.state = to
	return nil
}

// kill ends the server without a word to anybody; its port refuses connections until it is started again.
func (c *child) kill() error {
	c.mu.Lock()
	cmd, gone, was := c.cmd, c.gone, c.state
	c.state = serverStopped
	c.mu.Unlock()
	if was == serverStopped || cmd == nil {
		return nil
	}
	if c.front != nil {
		c.front.close()
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("cannot kill the server: %w", err)
	}
	<-gone
	return nil
}

func (c *child) start() error {
	c.mu.Lock()
	state := c.state
	c.mu.Unlock()
	if state != serverStopped {
		return nil
	}
	if err := c.launch(); err != nil {
		return fmt.Errorf("the server does not start again: %w", err)
	}
	if err := c.front.open(); err != nil {
		return fmt.Errorf("its public port was taken meanwhile: %w", err)
	}
	return nil
}
