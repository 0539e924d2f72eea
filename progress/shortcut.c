/* The way of nearly every message: from the log's socket to the sockets of its readers.

   It does at once what RedisMessages.take, Channel.take, Ring.push and Writer.flush_soon do
   with a message that joins on to what all live readers have and that may be written now.
   Whatever is otherwise is left for them as it came. tests/unit/progress/test_shortcut.py holds
   the two equal.

   Why it is in C: a hub wakes up for one event at a time, with the processor's caches full of
   what other processes did meanwhile, and then the interpreter's own code and objects cost
   several times what they do in a warm loop. docs/benchmarks.md, "many jobs".

   The interpreter's lock is held throughout, for the reason that is told in sockets.py: nothing
   here waits. */

#define Py_LIMITED_API 0x030B0000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define READ_BYTES (16 * 1024)
/* Of one message. A batch of more documents is none of a moment's. */
#define MAX_DOCUMENTS 32
/* Of a 64-bit number that cannot overflow; of a length. */
#define POSITION_DIGITS 19
#define LENGTH_DIGITS 9

enum outcome { FAILED = -1, LEFT = 0, DONE = 1 };

typedef struct {
    const char *at, *end;
} Text;

/* What the rules in Python are: shortcut.py tells them. */
typedef struct {
    double join_seconds, early_seconds, busy;
    Py_ssize_t max_frames, max_bytes;
    PyObject *terminal_prefixes;
} Rules;

static Rules rules;

/* What is told of what was done. */
typedef struct {
    uint64_t deliveries;
    PyObject *short_ones; /* see note_short */
    PyObject *firsts;     /* the first document of each message that was written; or NULL */
} Account;

typedef struct {
    uint64_t epoch, seq;
    Text documents[MAX_DOCUMENTS];
    int count;
} Message;

/* A channel and its ring, as far as they matter here. */
typedef struct {
    PyObject *channel, *ring, *live, *frames;
    uint64_t epoch, sent, last;
    Py_ssize_t bytes;
    double due_at;
    int is_open;
} Place;

static struct {
    PyObject *epoch, *ring, *live, *sent, *due_at, *told_at, *flush_at, *ended;
    PyObject *last, *frames, *bytes, *joined_after, *append, *popleft, *clear, *minus_one;
} names;

/* -- reading -------------------------------------------------------------------------------- */

static int
skip(Text *text, const char *what, size_t size)
{
    if ((size_t)(text->end - text->at) < size || memcmp(text->at, what, size) != 0)
        return 0;
    text->at += size;
    return 1;
}

static int
read_number(Text *text, int max_digits, const char *end, uint64_t *number)
{
    const char *first = text->at;
    uint64_t value = 0;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        if (text->at - first == max_digits)
            return 0;
        value = value * 10 + (uint64_t)(*text->at++ - '0');
    }
    *number = value;
    return text->at > first && skip(text, end, strlen(end));
}

/* A bulk string of the Redis protocol. */
static int
read_bulk(Text *text, Text *found)
{
    uint64_t size;
    if (!skip(text, "$", 1) || !read_number(text, LENGTH_DIGITS, "\r\n", &size))
        return 0;
    if ((uint64_t)(text->end - text->at) < size + 2)
        return 0;
    *found = (Text){text->at, text->at + size};
    text->at = found->end;
    return skip(text, "\r\n", 2);
}

/* A published message, of the protocol's version 2 or 3. */
static int
read_published(Text *text, Text *channel, Text *data)
{
    if (!skip(text, ">", 1) && !skip(text, "*", 1))
        return 0;
    return skip(text, "3\r\n$7\r\nmessage\r\n", 16) && read_bulk(text, channel)
        && read_bulk(text, data);
}

static int
begins_with(Text text, PyObject *prefixes)
{
    for (Py_ssize_t i = 0; i < PyTuple_Size(prefixes); i++) {
        PyObject *prefix = PyTuple_GetItem(prefixes, i);
        Text rest = text;
        if (skip(&rest, PyBytes_AsString(prefix), (size_t)PyBytes_Size(prefix)))
            return 1;
    }
    return 0;
}

/* The first position and a line for each document: decode_message in redis_messages.py. Left
   is what sse.frame writes otherwise, and what may end a log. */
static int
read_message(Text data, Message *message)
{
    if (!read_number(&data, POSITION_DIGITS, "-", &message->epoch)
        || !read_number(&data, POSITION_DIGITS, "\n", &message->seq)
        || memchr(data.at, '\r', (size_t)(data.end - data.at)))
        return 0;
    for (message->count = 0; message->count < MAX_DOCUMENTS;) {
        const char *line_end = memchr(data.at, '\n', (size_t)(data.end - data.at));
        Text document = {data.at, line_end ? line_end : data.end};
        if (begins_with(document, rules.terminal_prefixes))
            return 0;
        message->documents[message->count++] = document;
        if (!line_end)
            return 1;
        data.at = line_end + 1;
    }
    return 0;
}

/* -- a channel ------------------------------------------------------------------------------ */

static int
get_number(PyObject *object, PyObject *name, uint64_t *number)
{
    PyObject *value = PyObject_GetAttr(object, name);
    if (!value)
        return 0;
    *number = PyLong_AsUnsignedLongLong(value);
    Py_DECREF(value);
    return !PyErr_Occurred();
}

static int
get_seconds(PyObject *object, PyObject *name, double *seconds)
{
    PyObject *value = PyObject_GetAttr(object, name);
    if (!value)
        return 0;
    *seconds = PyFloat_AsDouble(value);
    Py_DECREF(value);
    return !PyErr_Occurred();
}

/* Whether an attribute has a value, by identity; -1 on failure. */
static int
has(PyObject *object, PyObject *name, PyObject *value)
{
    PyObject *found = PyObject_GetAttr(object, name);
    if (!found)
        return -1;
    Py_DECREF(found);
    return found == value;
}

static void
release(Place *place)
{
    Py_CLEAR(place->ring);
    Py_CLEAR(place->live);
    Py_CLEAR(place->frames);
}

static enum outcome
find(PyObject *channels, Text name, Place *place)
{
    PyObject *key = PyBytes_FromStringAndSize(name.at, name.end - name.at);
    if (!key)
        return FAILED;
    place->channel = PyDict_GetItemWithError(channels, key); /* borrowed: `channels` keeps it */
    Py_DECREF(key);
    if (!place->channel)
        return PyErr_Occurred() ? FAILED : LEFT;
    place->ring = PyObject_GetAttr(place->channel, names.ring);
    if (!place->ring)
        return FAILED;
    return place->ring == Py_None ? LEFT : DONE;
}

static int
load(Place *place)
{
    PyObject *channel = place->channel, *ring = place->ring;
    uint64_t bytes;
    int is_waiting = has(channel, names.flush_at, Py_None);
    int has_ended = has(channel, names.ended, Py_False);
    if (is_waiting < 0 || has_ended < 0)
        return 0;
    place->is_open = is_waiting && has_ended;
    if (!get_number(channel, names.epoch, &place->epoch)
        || !get_number(channel, names.sent, &place->sent)
        || !get_seconds(channel, names.due_at, &place->due_at)
        || !get_number(ring, names.last, &place->last)
        || !get_number(ring, names.bytes, &bytes))
        return 0;
    place->bytes = (Py_ssize_t)bytes;
    place->live = PyObject_GetAttr(channel, names.live);
    place->frames = PyObject_GetAttr(ring, names.frames);
    return place->live && place->frames;
}

static PyObject *
make_frame(uint64_t epoch, uint64_t seq, Text document)
{
    char head[64];
    int head_size = snprintf(head, sizeof head, "id: %llu-%llu\ndata: ",
                             (unsigned long long)epoch, (unsigned long long)seq);
    Py_ssize_t size = document.end - document.at;
    PyObject *frame = PyBytes_FromStringAndSize(NULL, head_size + size + 2);
    if (!frame)
        return NULL;
    char *text = PyBytes_AsString(frame);
    memcpy(text, head, (size_t)head_size);
    memcpy(text + head_size, document.at, (size_t)size);
    memcpy(text + head_size + size, "\n\n", 2);
    return frame;
}

static int
set_all(PyObject *object, PyObject *const *attributes, PyObject *const *values, int count)
{
    int ok = 1;
    for (int i = 0; i < count; i++)
        ok = ok && values[i] && PyObject_SetAttr(object, attributes[i], values[i]) == 0;
    return ok;
}

/* Appends the frame of each document, and leaves a reference to it in `frames`. */
static int
append_frames(Place *place, const Message *message, PyObject **frames)
{
    for (int i = 0; i < message->count; i++) {
        frames[i] = make_frame(message->epoch, message->seq + (uint64_t)i, message->documents[i]);
        PyObject *done = NULL;
        if (frames[i])
            done = PyObject_CallMethodObjArgs(place->frames, names.append, frames[i], NULL);
        if (!done)
            return 0;
        Py_DECREF(done);
        place->bytes += PyBytes_Size(frames[i]);
    }
    return 1;
}

static int
drop_oldest(Place *place)
{
    Py_ssize_t kept = PyObject_Size(place->frames);
    while (kept > rules.max_frames || (place->bytes > rules.max_bytes && kept > 1)) {
        PyObject *oldest = PyObject_CallMethodObjArgs(place->frames, names.popleft, NULL);
        if (!oldest)
            return 0;
        place->bytes -= PyBytes_Size(oldest);
        Py_DECREF(oldest);
        kept--;
    }
    return 1;
}

/* Ring.push of each document, and that all of them are sent. */
static int
push(Place *place, const Message *message, PyObject **frames)
{
    if (!append_frames(place, message, frames) || !drop_oldest(place))
        return 0;
    PyObject *last = PyLong_FromUnsignedLongLong(place->last + (uint64_t)message->count);
    PyObject *bytes = PyLong_FromSsize_t(place->bytes);
    PyObject *ring_names[] = {names.last, names.bytes, names.joined_after};
    PyObject *ring_values[] = {last, bytes, names.minus_one};
    int ok = last && bytes && set_all(place->ring, ring_names, ring_values, 3)
        && set_all(place->channel, &names.sent, &last, 1);
    Py_XDECREF(last);
    Py_XDECREF(bytes);
    return ok;
}

/* -- writing -------------------------------------------------------------------------------- */

static double
now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* as time.monotonic */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static PyObject *
join(const struct iovec *parts, int count, size_t size)
{
    PyObject *joined = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    char *to = joined ? PyBytes_AsString(joined) : NULL;
    for (int i = 0; joined && i < count; i++) {
        memcpy(to, parts[i].iov_base, parts[i].iov_len);
        to += parts[i].iov_len;
    }
    return joined;
}

/* Notes a reader that did not take all of it: (stream, bytes taken or -1, all, position). */
static int
note_short(PyObject *short_ones, PyObject *stream, ssize_t taken, PyObject *all, uint64_t position)
{
    if (!all)
        return 0;
    PyObject *one = Py_BuildValue("(OnOK)", stream, (Py_ssize_t)taken, all,
                                  (unsigned long long)position);
    int ok = one && PyList_Append(short_ones, one) == 0;
    Py_XDECREF(one);
    return ok;
}

static void
write_to_each(PyObject *live, PyObject *const *frames, int count, uint64_t position,
              const Account *account)
{
    struct iovec parts[MAX_DOCUMENTS];
    size_t size = 0;
    for (int i = 0; i < count; i++) {
        parts[i] = (struct iovec){PyBytes_AsString(frames[i]), (size_t)PyBytes_Size(frames[i])};
        size += parts[i].iov_len;
    }
    PyObject *number, *stream, *joined = NULL;
    Py_ssize_t next = 0;
    while (PyDict_Next(live, &next, &number, &stream)) {
        int fd = (int)PyLong_AsLong(number);
        ssize_t taken = writev(fd, parts, count);
        if (taken == (ssize_t)size)
            continue;
        if (taken < 0)
            taken = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
        if (!joined)
            joined = join(parts, count, size);
        if (!note_short(account->short_ones, stream, taken, joined, position)) {
            /* Without memory to remember where it is, it is cut off, and comes back. */
            PyErr_Clear();
            shutdown(fd, SHUT_RDWR);
        }
    }
    Py_XDECREF(joined);
}

/* Writer._write_to_all's reckoning of when the next write is due. */
static int
set_due(Place *place, double began)
{
    double gap = (now_seconds() - began) / rules.busy;
    if (gap < rules.join_seconds)
        gap = rules.join_seconds;
    PyObject *told_at = PyFloat_FromDouble(began);
    PyObject *due_at = PyFloat_FromDouble((began > place->due_at ? began : place->due_at) + gap);
    PyObject *attributes[] = {names.told_at, names.due_at}, *values[] = {told_at, due_at};
    int ok = set_all(place->channel, attributes, values, 2);
    Py_XDECREF(told_at);
    Py_XDECREF(due_at);
    return ok;
}

/* -- all of it ------------------------------------------------------------------------------ */

/* A figure that there is no memory for is left out. */
static void
note_written(Account *account, const Message *message, Py_ssize_t readers)
{
    account->deliveries += (uint64_t)message->count * (uint64_t)readers;
    if (!account->firsts || readers == 0)
        return;
    Text first = message->documents[0];
    PyObject *document = PyBytes_FromStringAndSize(first.at, first.end - first.at);
    if (!document || PyList_Append(account->firsts, document) < 0)
        PyErr_Clear();
    Py_XDECREF(document);
}

static enum outcome
pass_on(Place *place, const Message *message, Account *account)
{
    if (!load(place))
        return FAILED;
    double began = now_seconds();
    if (!place->is_open || message->epoch != place->epoch || message->seq != place->last + 1
        || place->sent != place->last || began < place->due_at - rules.early_seconds)
        return LEFT;
    PyObject *frames[MAX_DOCUMENTS] = {NULL};
    int ok = push(place, message, frames);
    if (ok) {
        note_written(account, message, PyDict_Size(place->live));
        write_to_each(place->live, frames, message->count,
                      place->last + (uint64_t)message->count, account);
        ok = set_due(place, began);
    }
    else {
        /* Frames without their number would be taken for others: a ring may be without any. */
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        Py_XDECREF(PyObject_CallMethodObjArgs(place->frames, names.clear, NULL));
        PyErr_Restore(type, value, trace);
    }
    for (int i = 0; i < message->count; i++)
        Py_XDECREF(frames[i]);
    return ok ? DONE : FAILED;
}

static enum outcome
take_one(Text *text, PyObject *channels, Account *account)
{
    Text rest = *text, name, data;
    Message message;
    if (!read_published(&rest, &name, &data) || !read_message(data, &message))
        return LEFT;
    Place place = {0};
    enum outcome outcome = find(channels, name, &place);
    if (outcome == DONE)
        outcome = pass_on(&place, &message, account);
    release(&place);
    if (outcome == DONE)
        text->at = rest.at;
    return outcome;
}

PyDoc_STRVAR(set_rules_doc,
             "set_rules(join_seconds, early_seconds, busy, max_frames, max_bytes, prefixes)\n--\n\n"
             "Once, before all else.");

static PyObject *
set_rules(PyObject *module, PyObject *args)
{
    Rules found;
    (void)module;
    if (!PyArg_ParseTuple(args, "dddnnO!", &found.join_seconds, &found.early_seconds, &found.busy,
                          &found.max_frames, &found.max_bytes, &PyTuple_Type,
                          &found.terminal_prefixes))
        return NULL;
    Py_INCREF(found.terminal_prefixes);
    Py_XDECREF(rules.terminal_prefixes);
    rules = found;
    Py_RETURN_NONE;
}

PyDoc_STRVAR(take_doc,
             "take(fd, channels, wants_firsts) -> (left, deliveries, short, firsts) or None\n--\n\n"
             "Read a descriptor once and pass on the messages it brings; see progress/shortcut.py.");

static PyObject *
take(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 3 || !PyDict_Check(args[1]) || !rules.terminal_prefixes) {
        PyErr_SetString(PyExc_TypeError,
                        "take() takes a descriptor, a dict and a truth, after set_rules()");
        return NULL;
    }
    int fd = (int)PyLong_AsLong(args[0]);
    if (fd == -1 && PyErr_Occurred())
        return NULL;
    PyObject *channels = args[1];
    int wants_firsts = args[2] == Py_True;
    Account account = {0, PyList_New(0), wants_firsts ? PyList_New(0) : NULL};
    char buffer[READ_BYTES];
    ssize_t size = -1;
    int is_ready = account.short_ones && (account.firsts || !wants_firsts);
    if (is_ready)
        size = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size <= 0) {
        Py_XDECREF(account.short_ones);
        Py_XDECREF(account.firsts);
        return is_ready ? Py_NewRef(Py_None) : NULL;
    }
    Text text = {buffer, buffer + size};
    enum outcome outcome = DONE;
    /* Whoever took less must not be written to before the writer knows of it. */
    while (outcome == DONE && text.at < text.end && PyList_Size(account.short_ones) == 0)
        outcome = take_one(&text, channels, &account);
    if (outcome == FAILED)
        PyErr_WriteUnraisable(module); /* what was done must be told of; the rest is left */
    PyObject *firsts = account.firsts ? account.firsts : Py_NewRef(Py_None);
    return Py_BuildValue("(y#KNN)", text.at, (Py_ssize_t)(text.end - text.at),
                         (unsigned long long)account.deliveries, account.short_ones, firsts);
}

static PyMethodDef methods[] = {
    {"set_rules", set_rules, METH_VARARGS, set_rules_doc},
    {"take", (PyCFunction)(void (*)(void))take, METH_FASTCALL, take_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_shortcut", NULL, -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC
PyInit__shortcut(void)
{
    const struct {
        PyObject **name;
        const char *text;
    } all[] = {
        {&names.epoch, "epoch"},       {&names.ring, "ring"},
        {&names.live, "live"},         {&names.sent, "sent"},
        {&names.due_at, "due_at"},     {&names.told_at, "told_at"},
        {&names.flush_at, "flush_at"}, {&names.ended, "ended"},
        {&names.last, "last"},         {&names.frames, "_frames"},
        {&names.bytes, "_bytes"},      {&names.joined_after, "_joined_after"},
        {&names.append, "append"},     {&names.popleft, "popleft"},
        {&names.clear, "clear"},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        *all[i].name = PyUnicode_InternFromString(all[i].text);
        if (!*all[i].name)
            return NULL;
    }
    names.minus_one = PyLong_FromLong(-1);
    return names.minus_one ? PyModule_Create(&definition) : NULL;
}
