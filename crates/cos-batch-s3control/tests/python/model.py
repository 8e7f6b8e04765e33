"""The service model of S3 Control as botocore has it, and requests drawn from it.

Usage: model.py shapes            the shapes of requests with a body, as JSON
       model.py requests NUMBER   so many CreateJob requests, one a line: the body as botocore writes it, and which rule of
                                  the model it breaks, if it breaks one
"""

import datetime
import json
import random
import sys

import botocore.loaders
import botocore.model
import botocore.serialize

MODEL = botocore.loaders.Loader().load_service_model("s3control", "service-2", "2018-08-20")
SERVICE = botocore.model.ServiceModel(MODEL, "s3control")
# The model has it in words only.
UNIONS = {"JobOperation"}
# Members that are no part of the body.
ELSEWHERE = {"AccountId", "JobId"}
RANGES = {"integer": (-(2**31), 2**31 - 1), "long": (-(2**63), 2**63 - 1)}


def raw(shape):
    return MODEL["shapes"][shape.name]


def element(name, member):
    return member.serialization.get("name", name)


def tell(shape, top=False):
    kind, own = shape.type_name, raw(shape)
    if kind == "structure":
        members = {
            element(name, member): {"required": name in shape.required_members, "shape": tell(member)}
            for name, member in shape.members.items()
            if not (top and name in ELSEWHERE)
        }
        return {"one of" if own.get("union") or shape.name in UNIONS else "structure": members}
    if kind == "list":
        return {"list": [element("member", shape.member), tell(shape.member), own.get("min", 0), own.get("max")]}
    if kind == "map":
        return {"map": [tell(shape.key), tell(shape.value), own.get("min", 0), own.get("max")]}
    if kind == "string":
        if "enum" in own:
            return {"choice": own["enum"]}
        return {"text": [own.get("min", 0), own["max"], own.get("pattern")]}
    if kind in RANGES:
        low, high = RANGES[kind]
        return {"number": [own.get("min", low), own.get("max", high)]}
    return {"boolean": "flag", "timestamp": "time"}[kind]


# Texts for patterns: some that match, and some that do not.
MATCHING = {
    r"^\d{12}$": (["123456789012"], ["1234", "1234567890123", "12345678901a"]),
    r"arn:[^:]+:s3:.*": (["arn:aws:s3:::b/k", "arn:aws-cn:s3:::b"], ["arn:aws:s4:::b", "b", "qcs::cos:r::b-1"]),
    r"arn:[^:]+:(s3|s3express):.*": (["arn:aws:s3:::b", "arn:aws:s3express:r:1:bucket/b"], ["arn:aws:s4:::b", "arn:aws"]),
    r"arn:[^:]+:iam::\d{12}:role/.*": (["arn:aws:iam::123456789012:role/r"], ["arn:aws:iam::1:role/r", "role"]),
    r"arn:aws[a-zA-Z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+": (
        ["arn:aws:kms:eu-1:123456789012:key/a-1"],
        ["arn:aws:kms:eu-1:123456789012:alias/a", "a" * 30],
    ),
    r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$": (["a b", "é好9", "_.:/=+-@", "a"], ["a,b", "#1", "a\tb"]),
}
FUNCTION = (["name", "arn:aws:lambda:us-east-1:123456789012:function:f:live"], ["a b", "arn:aws:s3:::b", "f:"])
LETTERS = "abc<&>\"' é好\U0001f600/,;%+"


class Draw:
    """Draws a value of a shape; breaks one rule on the way where it is told to."""

    def __init__(self, source, breaks):
        self.random = source
        # How many rules to pass before one is broken; none: never.
        self.left = source.randrange(25) if breaks else None
        self.broken = None

    def breaks(self, what):
        if self.left is None or self.broken:
            return False
        if self.left:
            self.left -= 1
            return False
        self.broken = what
        return True

    def value(self, shape, top=False):
        kind = shape.type_name
        return getattr(self, kind)(shape, top) if kind == "structure" else getattr(self, kind)(shape)

    def structure(self, shape, top):
        names = [name for name in shape.members if not (top and name in ELSEWHERE)]
        if raw(shape).get("union") or shape.name in UNIONS:
            chosen = [self.random.choice(names)]
            if len(names) > 1 and self.breaks(f"two members of {shape.name}"):
                chosen = self.random.sample(names, 2)
        else:
            chosen = [name for name in names if name in shape.required_members or self.random.random() < 0.3]
        if top:
            chosen = [name for name in chosen if name not in ("Manifest", "ManifestGenerator")]
            chosen.append(self.random.choice(["Manifest", "ManifestGenerator"]))
            if self.breaks("both or neither manifest"):
                chosen = [name for name in chosen if not name.startswith("Manifest")]
                chosen += self.random.choice([[], ["Manifest", "ManifestGenerator"]])
        if shape.name == "JobReport":
            chosen = ["Enabled", "Bucket", "Format", "Prefix", "ReportScope"]
        if shape.required_members and self.breaks(f"a required member of {shape.name}"):
            dropped = self.random.choice([name for name in shape.required_members if name not in ELSEWHERE])
            chosen = [name for name in chosen if name != dropped]
        self.random.shuffle(chosen)
        return {name: self.value(shape.members[name]) for name in chosen}

    def string(self, shape):
        own = raw(shape)
        if "enum" in own:
            return "Bogus" if self.breaks(f"a value of {shape.name}") else self.random.choice(own["enum"])
        low, high = own.get("min", 0), own["max"]
        pattern = own.get("pattern")
        if pattern:
            good, bad = FUNCTION if "lambda" in pattern else MATCHING[pattern]
            return self.random.choice(bad if self.breaks(f"the pattern of {shape.name}") else good)
        if self.breaks(f"the length of {shape.name}"):
            length = self.random.choice([high + 1, low - 1] if low else [high + 1])
        else:
            short = self.random.randint(low, min(high, 20))
            length = self.random.choice([low, high, short, short, short, short])
        return "".join(self.random.choices(LETTERS, k=length))

    def integer(self, shape):
        low, high = RANGES[shape.type_name]
        own = raw(shape)
        low, high = own.get("min", low), own.get("max", high)
        if self.breaks(f"the range of {shape.name}"):
            return self.random.choice([low - 1, high + 1])
        return self.random.choice([low, high, self.random.randint(low, high)])

    long = integer

    def boolean(self, _):
        return self.random.random() < 0.5

    def timestamp(self, _):
        return datetime.datetime.fromtimestamp(self.random.randrange(2**32), datetime.timezone.utc)

    def list(self, shape):
        own = raw(shape)
        low, high = own.get("min", 0), own.get("max", 3)
        many = self.random.randint(low, high)
        if ("min" in own or "max" in own) and self.breaks(f"the length of {shape.name}"):
            many = self.random.choice([count for count in (low - 1, own.get("max", low) + 1) if count >= 0])
        if shape.name != "S3TagSet":
            return [self.value(shape.member) for _ in range(many)]
        # Our own rule: the keys of a set of tags differ. So there is one that is drawn, and others beside it.
        drawn = [self.value(shape.member)] if many else []
        return drawn + [{"Key": f"k{number}", "Value": "v"} for number in range(many - 1)]

    def map(self, shape):
        own = raw(shape)
        low, high = own.get("min", 0), min(own.get("max", 3), 3)
        many = self.random.randint(low, high)
        if own.get("max", 100) < 100 and self.breaks(f"the length of {shape.name}"):
            many = own["max"] + 1
        pairs = {}
        while len(pairs) < many:
            key = self.value(shape.key)
            if key not in pairs:
                pairs[key] = self.value(shape.value)
        return pairs


def requests(number):
    operation = SERVICE.operation_model("CreateJob")
    serializer = botocore.serialize.create_serializer("rest-xml", include_validation=False)
    source = random.Random(20180820)
    for _ in range(number):
        draw = Draw(source, source.random() < 0.8)
        parameters = draw.value(operation.input_shape, top=True)
        body = serializer.serialize_to_request({"AccountId": "123456789012", **parameters}, operation)["body"]
        print(json.dumps({"body": body.decode(), "broken": draw.broken}))


if sys.argv[1] == "shapes":
    names = ("CreateJob", "PutJobTagging")
    inputs = [SERVICE.operation_model(name).input_shape for name in names]
    print(json.dumps({shape.name: tell(shape, top=True) for shape in inputs}))
else:
    requests(int(sys.argv[2]))
