# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The events of tests/data/rules.tsv, for those .bats files that use it.

# the pictures of the table's scripts
pictures() {
	local dir=$KX_SRCDIR/tests/data/frames
	jpg=$(base64 -w0 "$dir/gray.jpg")
	jpg2=$(base64 -w0 "$dir/dot.jpg")
	png=$(base64 -w0 "$dir/dot.png")
	jpgcut=$(head -c -2 "$dir/gray.jpg" | base64 -w0)
	pngcut=$(head -c -12 "$dir/dot.png" | base64 -w0)
	# A byte of the header chunk: its CRC does not match any more.
	pngbad=$({ head -c 19 "$dir/dot.png"; printf '\007'
		tail -c +21 "$dir/dot.png"; } | base64 -w0)
}

# fill TEXT: with its tokens filled in, in $filled.
fill() {
	filled=$1
	[[ $filled != *@* ]] || fill_tokens
}

fill_tokens() {
	local n before
	while [[ $filled =~ @PAD:([0-9]+)@ ]]; do
		n=${BASH_REMATCH[1]}
		printf -v before '%*s' "$n" ''
		filled=${filled/"@PAD:$n@"/${before// /A}}
	done
	while [[ $filled =~ @DEEP:([0-9]+)@ ]]; do
		n=${BASH_REMATCH[1]}
		printf -v before '%*s' "$n" ''
		filled=${filled/"@DEEP:$n@"/${before// /[}${before// /]}}
	done
	filled=${filled//@JPG@/$jpg} filled=${filled//@JPG2@/$jpg2}
	filled=${filled//@PNG@/$png} filled=${filled//@JPGCUT@/$jpgcut}
	filled=${filled//@PNGCUT@/$pngcut} filled=${filled//@PNGBAD@/$pngbad}
}

# The events, in F, P and O: nothing is wrong with them.
make_events() {
	local head tail
	pictures
	head='{"monitor_id":114,"id":"203:1685973361368:4829655691653739","event_id":"4829655691653739","topic":'
	tail='"snapshots":[{"type":"FULLSCREEN","path":"/api/v1/media/snapshot/274-610/3824-1685973361368531712.jpg?ttl=2592000","image":"@JPG@"},{"type":"THUMBNAIL","path":"/api/v1/media/snapshot/274-610/thumbnail/3824-1685973364548186624.jpg?ttl=2592000","image":"@JPG2@"}],"channel":{"id":274,"channel_type":"STREAM","name":"1-4-09","latitude":13.90930437837479,"longitude":17.596215903759006,"address":{"country":"USA","region":"A region","city":"Miami","place_info":"32"},"tags":[{"id":170,"name":"Face"}]}}'
	fill "$head"'"FaceMatched","module":"KX.Faces","level":1,"start_time":1685973361368,"end_time":1685973369197,"params":{"identities":[{"faces":[{"id":14461,"similarity":0.93269664,"first_name":"Mark","last_name":"Frol"}],"list":{"id":552,"name":"List","level":1}}],"attributes":{"age":44,"gender":"male","race":"caucasian","glasses":true,"beard":true,"has":false,"mask":false}},'"$tail"
	printf '%s\n' "$filled" >F
	fill "$head"'"PlateMatched","module":"KX.PDD","level":2,"start_time":1685973361368,"end_time":1685973369197,"params":{"identities":[{"plates":[{"id":186177,"number":"2222HH7","state":"BY","owner_first_name":"Sergey","owner_last_name":"Ivanov"}],"list":{"id":3,"name":"GSM","level":2}}],"object":{"color":{"value":"gray","reliability":0.98652285},"object_type":{"value":"car","reliability":0.99994373}},"reliability":0.9884001},'"$tail"
	printf '%s\n' "$filled" >P
	fill "$head"'"LineCrossed","module":"KX.Perimeter","source_name":"x","level":1,"start_time":1685973361368,"end_time":1685973369197,"params":{},'"$tail"
	printf '%s\n' "$filled" >O
}

# big: @BIG:N@ of the input becomes N letters, which no script could hold.
big() {
	local text n
	text=$(cat)
	if [[ $text =~ @BIG:([0-9]+)@ ]]; then
		n=${BASH_REMATCH[1]}
		printf '%s' "${text%"@BIG:$n@"*}"
		head -c "$n" /dev/zero | tr '\0' A
		text=${text#*"@BIG:$n@"}
	fi
	printf '%s\n' "$text"
}

# made EVENT SCRIPT >FILE: the changed event, or the record itself.
made() {
	fill "$2"
	if [ "$1" = R ]; then
		printf '%b' "$filled"
	else
		# sed's own file, for a script may be longer than an argument.
		printf '%s\n' "$filled" >script
		LC_ALL=C sed -f script "$1" | big
	fi
}

# The rows of the table.
rule_rows() {
	grep -v '^#' "$KX_SRCDIR/tests/data/rules.tsv"
}
