package lane

import "strconv"

// PID is the process behind a Device.
func PID(d Device) (int, error) {
	block, err := d.(*user).ask(newRequest("version"))
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(block[0][1])
}
