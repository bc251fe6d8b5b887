package lane

import (
	"os"
	"strconv"
	"time"
)

// Helpers may take their time in the virtual machine of .ci/vm, whose
// processors are software.
func init() {
	if os.Getenv("KEIRO_TEST_VM") != "" {
		startWait, answerWait = time.Minute, time.Minute
	}
}

// PID is the process behind a Device.
func PID(d Device) (int, error) {
	block, err := d.(*user).ask(newRequest("version"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(block[0][1])
}
