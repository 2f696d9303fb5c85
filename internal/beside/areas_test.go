package beside

// areas are all exams.
func areas() []area {
	return []area{rules(), messages(), faults(), answers(), heads(), clients(), selection(), bodies(), compression(), balancing(), healths(), streams(), secured()}
}
