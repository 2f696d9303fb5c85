package beside

func faultsDiffer() []difference {
	return []difference{}
}
